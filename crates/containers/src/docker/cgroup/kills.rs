//! Whether the kernel killed a process of a container for want of memory.
//!
//! The engine notices this only of the first process, with some delay, and never forgets it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::look;
use super::whereabouts::{Version, Whereabouts};

/// The kernel's count of such kills in one container, which only grows. Its file stays open, as it is read after every
/// run.
#[derive(Debug)]
pub(super) struct KillCounter {
    file: File,
    seen: AtomicU64,
}

impl KillCounter {
    /// The counter, where it can be read. Nothing that it counted yet is news.
    pub(super) fn of(whereabouts: &Whereabouts) -> Option<Self> {
        let folder = whereabouts.folder("memory")?;
        let name = match folder.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        Self::in_file(&folder.path.join(name))
    }

    fn in_file(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let seen = AtomicU64::new(look(&file, kills)?);
        Some(Self { file, seen })
    }

    /// Whether there were kills since this was asked last: each is told once. Nothing when the group is gone.
    pub(super) fn has_grown(&self) -> Option<bool> {
        let kills = look(&self.file, kills)?;
        Some(self.seen.fetch_max(kills, Ordering::Relaxed) < kills)
    }
}

fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), Some(3));
        assert_eq!(kills("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n"), Some(1));
        assert_eq!(kills("low 0\n"), None);
    }

    #[test]
    fn each_kill_is_told_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |kills: u64| std::fs::write(file.path(), format!("oom_kill {kills}\n")).unwrap();
        write(1);
        let counter = KillCounter::in_file(file.path()).unwrap();
        assert_eq!(counter.has_grown(), Some(false), "that was before");
        for kills in [2, 5] {
            write(kills);
            assert_eq!((counter.has_grown(), counter.has_grown()), (Some(true), Some(false)));
        }
        std::fs::write(file.path(), "").unwrap();
        assert_eq!(counter.has_grown(), None);
    }
}
