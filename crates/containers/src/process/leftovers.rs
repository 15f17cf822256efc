//! The folder of each process and the note in it that lets a later Whirl find what an earlier one, killed,
//! left running. A number alone proves nothing, as numbers are used again: the start time is compared too.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::factory::ContainerName;

const FOLDER_PREFIX: &str = "container-";
const NOTE: &str = "process";

/// The folder of a container.
pub(super) fn folder(state_dir: &Path, name: &ContainerName) -> PathBuf {
    state_dir.join(format!("{FOLDER_PREFIX}{name}"))
}

/// Makes a folder that nobody else may look into.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a folder with all that is in it; one that is not there is no error.
pub(super) async fn remove_folder(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_dir_all(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Notes down which process belongs to a folder.
pub(super) fn note(folder: &Path, pid: Pid) -> io::Result<()> {
    std::fs::write(folder.join(NOTE), identity(pid)?)
}

/// Ends all processes that are noted down and removes their folders; gives the number of folders.
pub(super) async fn remove(state_dir: &Path) -> io::Result<usize> {
    let mut number = 0;
    for entry in std::fs::read_dir(state_dir)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX) {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(entry.path().join(NOTE))
            && let Some(pid) = still_the_same(&text)
        {
            let _ended_meanwhile = kill_process_group(pid, Signal::KILL);
        }
        remove_folder(&entry.path()).await?;
        number += 1;
    }
    Ok(number)
}

/// The process that a note means, if it still runs.
fn still_the_same(note: &str) -> Option<Pid> {
    let pid = note.split_whitespace().next()?.parse().ok().and_then(Pid::from_raw)?;
    (identity(pid).ok()?.trim() == note.trim()).then_some(pid)
}

/// A process's number, the time it started at, and the boot in which it did.
fn identity(pid: Pid) -> io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()))?;
    let start = start_time(&stat).ok_or(io::ErrorKind::InvalidData)?;
    Ok(format!("{} {start} {}\n", pid.as_raw_pid(), boot.trim()))
}

/// The 22nd field of `/proc/PID/stat`. The 2nd may hold anything, so fields are counted from its end on.
fn start_time(stat: &str) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_number_is_not_taken_for_the_process() {
        let me = rustix::process::getpid();
        let note = identity(me).unwrap();
        assert_eq!(still_the_same(&note), Some(me));
        let start = note.split(' ').nth(1).unwrap();
        assert_eq!(still_the_same(&note.replacen(start, "1", 1)), None);
        assert_eq!(still_the_same("0 1 x"), None);
        assert_eq!(still_the_same(""), None);
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let fields: Vec<String> = (3..=30).map(|field| field.to_string()).collect();
        assert_eq!(start_time(&format!("7 (a) b) {}", fields.join(" "))), Some("22"));
    }
}
