//! Lifts a container's CPU limit before it is removed: hundreds of processes that are killed need CPU time to die, and
//! under a tight limit they need minutes.

use std::io;
use std::path::PathBuf;

use super::cgroup::{self, Folder, Version, Whereabouts};

/// The limit of one container.
#[derive(Clone, Debug)]
pub(super) struct CpuQuota {
    version: Version,
    file: PathBuf,
}

impl CpuQuota {
    /// The limit, where there is a control group for it.
    pub(super) fn of(whereabouts: &Whereabouts) -> Option<Self> {
        Some(Self::in_folder(&whereabouts.folder("cpu")?))
    }

    fn in_folder(folder: &Folder) -> Self {
        let name = match folder.version {
            Version::One => "cpu.cfs_quota_us",
            Version::Two => "cpu.max",
        };
        Self { version: folder.version, file: folder.path.join(name) }
    }

    /// Takes the limit away.
    pub(super) fn lift(&self) -> io::Result<()> {
        let none = match self.version {
            Version::One => "-1",
            Version::Two => "max",
        };
        cgroup::write(&self.file, none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own_word_for_no_limit() {
        for (version, name, none) in
            [(Version::One, "cpu.cfs_quota_us", "-1"), (Version::Two, "cpu.max", "max")]
        {
            let dir = tempfile::tempdir().unwrap();
            let quota = CpuQuota::in_folder(&Folder { version, path: dir.path().to_owned() });
            assert!(quota.lift().is_err(), "there is no group");
            std::fs::write(dir.path().join(name), "").unwrap();
            quota.lift().unwrap();
            assert_eq!(std::fs::read_to_string(dir.path().join(name)).unwrap(), none);
        }
    }
}
