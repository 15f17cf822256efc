//! Lifts a container's CPU limit before it is removed: hundreds of processes that are killed need CPU time to die, and
//! under a tight limit they need minutes. They die as the lightest of all, so that nobody else waits for it.

use std::io;
use std::path::PathBuf;

use super::whereabouts::{Folder, Version, Whereabouts};
use super::write;

/// The limit of one container.
#[derive(Clone, Debug)]
pub(super) struct CpuLimit {
    folder: PathBuf,
    /// The file of the weight, and the least that there is.
    lightest: (&'static str, &'static str),
    /// The file of the limit, and the word for none.
    unlimited: (&'static str, &'static str),
}

impl CpuLimit {
    /// The limit, where there is a control group for it.
    pub(super) fn of(whereabouts: &Whereabouts) -> Option<Self> {
        Some(Self::in_folder(whereabouts.folder("cpu")?))
    }

    fn in_folder(folder: Folder) -> Self {
        let (lightest, unlimited) = match folder.version {
            Version::One => (("cpu.shares", "2"), ("cpu.cfs_quota_us", "-1")),
            Version::Two => (("cpu.weight", "1"), ("cpu.max", "max")),
        };
        Self { folder: folder.path, lightest, unlimited }
    }

    /// Takes the limit away, and what the container has before others.
    pub(super) fn lift(&self) -> io::Result<()> {
        for (file, word) in [self.lightest, self.unlimited] {
            write(&self.folder.join(file), word)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own_words() {
        for (version, words) in [
            (Version::One, [("cpu.shares", "2"), ("cpu.cfs_quota_us", "-1")]),
            (Version::Two, [("cpu.weight", "1"), ("cpu.max", "max")]),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let limit = CpuLimit::in_folder(Folder { version, path: dir.path().to_owned() });
            assert!(limit.lift().is_err(), "there is no group");
            for (file, _) in words {
                std::fs::write(dir.path().join(file), "").unwrap();
            }
            limit.lift().unwrap();
            for (file, word) in words {
                assert_eq!(std::fs::read_to_string(dir.path().join(file)).unwrap(), word);
            }
        }
    }
}
