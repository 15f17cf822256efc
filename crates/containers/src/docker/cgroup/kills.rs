//! Whether the kernel killed a process of a container for want of memory.
//!
//! The engine notices this only of the first process, with some delay, and never forgets it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::look;
use super::whereabouts::{Version, Whereabouts};
use crate::oom_kills;

/// What the kernel has counted of such kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::docker) enum Kills {
    /// There were some since those that were forgotten.
    New,
    /// There were none since.
    NoneNew,
    /// It cannot be told whether there were: nobody counts, or the group was gone before anybody looked.
    Untold {
        /// Whether there were some that were forgotten. The engine does not forget them.
        old: bool,
    },
}

/// The kernel's count of such kills in one container, which only grows. Its file stays open, as it is read after every
/// run.
#[derive(Debug)]
pub(super) struct KillCounter {
    file: File,
    first: u64,
    forgotten: AtomicU64,
    /// The last count that was read while the group was there.
    last: AtomicU64,
}

impl KillCounter {
    /// The counter, where it can be read. What it counted up to here is forgotten.
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
        let first = look(&file, oom_kills::count)?;
        Some(Self { file, first, forgotten: AtomicU64::new(first), last: AtomicU64::new(first) })
    }

    /// Whether there were kills since those that were forgotten. What was seen once is known when the group is gone.
    pub(super) fn kills(&self) -> Kills {
        let now = look(&self.file, oom_kills::count);
        let last =
            now.unwrap_or_default().max(self.last.fetch_max(now.unwrap_or_default(), Ordering::Relaxed));
        let forgotten = self.forgotten.load(Ordering::Relaxed);
        match now {
            _ if last > forgotten => Kills::New,
            Some(_) => Kills::NoneNew,
            None => Kills::Untold { old: forgotten > self.first },
        }
    }

    /// What was counted up to here is no news any more.
    pub(super) fn forget(&self) {
        if let Some(now) = look(&self.file, oom_kills::count) {
            self.forgotten.fetch_max(now, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_news_until_they_are_forgotten() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |kills: u64| std::fs::write(file.path(), format!("oom_kill {kills}\n")).unwrap();
        write(1);
        let counter = KillCounter::in_file(file.path()).unwrap();
        assert_eq!(counter.kills(), Kills::NoneNew, "that was before");
        for kills in [2, 5] {
            write(kills);
            assert_eq!((counter.kills(), counter.kills()), (Kills::New, Kills::New));
            counter.forget();
            assert_eq!(counter.kills(), Kills::NoneNew);
        }
    }

    #[test]
    fn of_a_group_that_is_gone_is_known_what_was_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| std::fs::write(file.path(), text).unwrap();
        write("oom_kill 0\n");
        let counter = KillCounter::in_file(file.path()).unwrap();
        write("");
        assert_eq!(counter.kills(), Kills::Untold { old: false });
        write("oom_kill 1\n");
        counter.forget();
        write("");
        assert_eq!(counter.kills(), Kills::Untold { old: true });
        write("oom_kill 2\n");
        assert_eq!(counter.kills(), Kills::New);
        write("");
        assert_eq!(counter.kills(), Kills::New, "it was seen");
    }
}
