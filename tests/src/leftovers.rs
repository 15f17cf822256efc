//! What containers that are gone have left in the kernel: control groups, processes and their keepers. Whose they
//! were cannot be told any more, so this looks at those of all containers that the engine does not know.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::host::docker;

/// How deep below the mounts of control groups those of containers are.
const DEPTH: usize = 4;
/// Hexadecimal digits of a container's id.
const ID_LENGTH: usize = 64;

/// Traces of containers that are not there any more. One that is being removed this moment has some too.
pub(crate) fn of_unknown_containers() -> Vec<String> {
    let mut traces = Vec::new();
    groups(Path::new("/sys/fs/cgroup"), DEPTH, &mut traces);
    processes(&mut traces);
    // Asked last, so that one that has come meanwhile is known.
    let listed = docker(&["ps", "-aq", "--no-trunc"]);
    let known: BTreeSet<&str> = listed.lines().collect();
    traces.retain(|trace| !known.contains(trace.container.as_str()));
    traces.into_iter().map(|trace| trace.what).collect()
}

struct Trace {
    container: String,
    what: String,
}

fn groups(folder: &Path, depth: usize, traces: &mut Vec<Trace>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
    for path in folders.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match id_in(&name) {
            Some(container) => {
                let what = format!("the control group {}", path.display());
                traces.push(Trace { container, what });
            }
            None if depth > 1 => groups(&path, depth - 1, traces),
            None => {}
        }
    }
}

/// Processes in a container's control group, and those that look after one container and name it.
fn processes(traces: &mut Vec<Trace>) {
    let folders = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    for process in folders.map(|entry| entry.path()) {
        let text = |name: &str| fs::read(process.join(name)).unwrap_or_default();
        let command = String::from_utf8_lossy(&text("cmdline")).replace('\0', " ");
        let group = String::from_utf8_lossy(&text("cgroup")).into_owned();
        let keeper = Some(command.as_str()).filter(|command| command.contains("containerd-shim"));
        if let Some(container) = id_in(&group).or_else(|| id_in(keeper?)) {
            let number = process.file_name().map(PathBuf::from).unwrap_or_default();
            traces.push(Trace { container, what: format!("the process {} {command}", number.display()) });
        }
    }
}

/// The first container's id in a text.
fn id_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    words.into_iter().find(|word| word.len() == ID_LENGTH).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_where_engines_put_it() {
        let id = "0123456789abcdef".repeat(4);
        for text in [id.clone(), format!("docker-{id}.scope"), format!("4:cpu:/docker/{id}\n3:pids:/\n")] {
            assert_eq!(id_in(&text), Some(id.clone()));
        }
        assert_eq!(id_in(&format!("{id}0")), None);
        assert_eq!(id_in("system.slice"), None);
    }
}
