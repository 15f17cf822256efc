//! The folder of each process and the note in it that lets a later Whirl find what an earlier one, killed,
//! left running. A number alone proves nothing, as numbers are used again: the start time is compared too.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::factory::ContainerName;

const FOLDER_PREFIX: &str = "container-";
const NOTE: &str = "process";

/// Makes a folder, if it is not there, that nobody else may look into.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a new folder for a container. One that could not be removed keeps its name, and nobody gets it again.
pub(super) fn new_folder(state_dir: &Path, name: &ContainerName) -> io::Result<PathBuf> {
    let mut path = state_dir.join(format!("{FOLDER_PREFIX}{name}"));
    let mut tried = 0;
    loop {
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tried += 1,
            made => return made.map(|()| path),
        }
        path.set_file_name(format!("{FOLDER_PREFIX}{name}.{tried}"));
    }
}

/// Removes a container's folder with all that is in it. What cannot be removed stays, until the next start of Whirl or
/// for good; the log tells of it. Whether it is gone.
pub(super) async fn clear_away(folder: &Path) -> bool {
    let path = folder.to_owned();
    let removed = tokio::task::spawn_blocking(move || remove_folder(&path)).await;
    let removed = removed.map_err(io::Error::other).flatten();
    if let Err(error) = &removed {
        tracing::warn!(%error, folder = %folder.display(), "the folder of a process that has ended cannot be removed");
    }
    removed.is_ok()
}

/// Removes a folder, also one in which its owner may not write; that it is not there is no error.
fn remove_folder(path: &Path) -> io::Result<()> {
    let mut removed = std::fs::remove_dir_all(path);
    if removed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        open_up(path);
        removed = std::fs::remove_dir_all(path);
    }
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Lets the owner of a folder, and of those in it, do there what it likes. Where that fails the removal will, and tells.
fn open_up(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let _will_be_told = std::fs::set_permissions(&folder, Permissions::from_mode(0o700));
        let entries = std::fs::read_dir(&folder).into_iter().flatten().map_while(Result::ok);
        // A link to a folder is none.
        let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(inner.map(|entry| entry.path()));
    }
}

/// Notes down which process belongs to a folder.
pub(super) fn note(folder: &Path, pid: Pid) -> io::Result<()> {
    std::fs::write(folder.join(NOTE), identity(pid)?)
}

/// Ends all processes that are noted down and removes their folders; gives the number of folders that are gone.
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
        number += usize::from(clear_away(&entry.path()).await);
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

    /// Does something as a user whom permissions bind: they do not bind root.
    fn as_an_ordinary_user(what: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(move || {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65_534);
                // Of this thread alone.
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            what();
        });
        thread.join().unwrap();
    }

    #[test]
    fn a_folder_that_its_owner_made_read_only_or_closed_is_removed() {
        as_an_ordinary_user(|| {
            let outside = tempfile::tempdir().unwrap();
            let state = tempfile::tempdir().unwrap();
            let folder = new_folder(state.path(), &ContainerName::new("one")).unwrap();
            for (inner, mode) in [("read-only/inner", 0o555), ("closed/inner", 0), ("readable/inner", 0o444)]
            {
                let inner = folder.join(inner);
                make_folder(&inner).unwrap();
                std::fs::write(inner.join("file"), "text").unwrap();
                std::os::unix::fs::symlink(outside.path(), inner.join("link")).unwrap();
                for closed in [inner.as_path(), inner.parent().unwrap()] {
                    std::fs::set_permissions(closed, Permissions::from_mode(mode)).unwrap();
                }
            }
            std::fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
            std::fs::set_permissions(outside.path(), Permissions::from_mode(0o555)).unwrap();
            assert!(std::fs::remove_dir_all(&folder).is_err(), "permissions do not bind this user");
            remove_folder(&folder).unwrap();
            assert!(!folder.exists());
            let mode = std::fs::metadata(outside.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o555, "a link was followed");
            remove_folder(&folder).unwrap();
        });
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let fields: Vec<String> = (3..=30).map(|field| field.to_string()).collect();
        assert_eq!(start_time(&format!("7 (a) b) {}", fields.join(" "))), Some("22"));
    }
}
