//! Whether the kernel killed a process of a container for want of memory, read from its control group.
//!
//! The engine notices this only of the first process, and with some delay.

use std::path::{Path, PathBuf};

/// What can be learned about a container that the engine holds for running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// So many of its processes were killed for want of memory.
    Killed(u64),
    /// Its first process is gone: the engine does not know yet.
    Gone,
    /// Its control group cannot be read from here.
    Unknown,
}

/// Looks at the container `id` whose first process is `pid`.
pub(super) fn look(pid: i64, id: &str) -> Finding {
    let Ok(groups) = std::fs::read_to_string(format!("/proc/{pid}/cgroup")) else {
        return Finding::Gone;
    };
    // An ended process that was not yet reaped, or another one with the same number.
    if !groups.contains(id) {
        return Finding::Gone;
    }
    counters(Path::new("/sys/fs/cgroup"), &groups)
        .iter()
        .find_map(|file| kills(&std::fs::read_to_string(file).ok()?))
        .map_or(Finding::Unknown, Finding::Killed)
}

/// The files that may hold the counter: version 1 has a hierarchy for memory, version 2 one for all.
fn counters(root: &Path, groups: &str) -> Vec<PathBuf> {
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
            match controllers {
                "" => Some(root.join(path).join("memory.events")),
                _ if controllers.split(',').any(|c| c == "memory") => {
                    Some(root.join("memory").join(path).join("memory.oom_control"))
                }
                _ => None,
            }
        })
        .collect()
}

fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_read() {
        let one = "9:pids:/docker/c\n5:memory:/docker/c\n1:name=systemd:/docker/c\n";
        assert_eq!(counters(Path::new("/r"), one), [Path::new("/r/memory/docker/c/memory.oom_control")]);
        let two = "0::/system.slice/docker-c.scope\n";
        let file = Path::new("/r/system.slice/docker-c.scope/memory.events");
        assert_eq!(counters(Path::new("/r"), two), [file]);
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(kills("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n"), Some(1));
        assert_eq!(kills("low 0\n"), None);
    }
}
