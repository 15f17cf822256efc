//! Freezes and thaws a container. The engine, which does not learn of it, needs a hundred times as long.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::read;
use super::whereabouts::{Folder, Version, Whereabouts};

/// The kernel freezes a group within a fraction of this; only then does waiting yield to other tasks.
const AT_ONCE: Duration = Duration::from_millis(1);
const ASK_AGAIN: Duration = Duration::from_millis(1);
/// A process deep in the kernel may hold it up.
const LONGEST: Duration = Duration::from_millis(100);

/// Whether processes may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::docker) enum Motion {
    Frozen,
    Thawed,
}

/// The switch of one container. Its files stay open, as a call waits for the thaw.
#[derive(Debug)]
pub(in crate::docker) struct Freezer {
    version: Version,
    /// Where the wish is written.
    wish: File,
    /// Where the kernel says how it is.
    fact: File,
}

impl Freezer {
    /// The switch, if this process may use it.
    pub(super) fn of(whereabouts: &Whereabouts) -> Option<Self> {
        Self::in_folder(&whereabouts.folder("freezer")?).ok()
    }

    fn in_folder(folder: &Folder) -> io::Result<Self> {
        let (wish, fact) = match folder.version {
            Version::One => ("freezer.state", "freezer.state"),
            Version::Two => ("cgroup.freeze", "cgroup.events"),
        };
        let wish = OpenOptions::new().write(true).open(folder.path.join(wish))?;
        Ok(Self { version: folder.version, wish, fact: File::open(folder.path.join(fact))? })
    }

    /// Freezes or thaws all processes and waits until they are. What could not be frozen in time is thawed again.
    pub(in crate::docker) async fn set(&self, motion: Motion) -> io::Result<()> {
        self.wish(motion)?;
        let begun = Instant::now();
        while self.motion()? != Some(motion) {
            let waited = begun.elapsed();
            if waited > LONGEST {
                self.wish(Motion::Thawed)?;
                return Err(io::ErrorKind::TimedOut.into());
            }
            if waited < AT_ONCE {
                std::thread::yield_now();
            } else {
                sleep(ASK_AGAIN).await;
            }
        }
        Ok(())
    }

    fn wish(&self, motion: Motion) -> io::Result<()> {
        let word = match (self.version, motion) {
            (Version::One, Motion::Frozen) => "FROZEN",
            (Version::One, Motion::Thawed) => "THAWED",
            (Version::Two, Motion::Frozen) => "1",
            (Version::Two, Motion::Thawed) => "0",
        };
        self.wish.write_all_at(word.as_bytes(), 0)
    }

    /// How it is; nothing while it changes.
    fn motion(&self) -> io::Result<Option<Motion>> {
        read(&self.fact, |text| match self.version {
            Version::One => match text.trim_end() {
                "FROZEN" => Some(Motion::Frozen),
                "THAWED" => Some(Motion::Thawed),
                _freezing => None,
            },
            Version::Two => text.lines().find_map(|line| match line.strip_prefix("frozen ")? {
                "0" => Some(Motion::Thawed),
                _ => Some(Motion::Frozen),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder as the kernel makes it, though nobody acts upon what is written there.
    fn folder(version: Version, files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let path = dir.path().to_owned();
        (dir, Folder { version, path })
    }

    #[tokio::test]
    async fn version_1_is_told_by_one_word() {
        let (dir, folder) = folder(Version::One, &[("freezer.state", "THAWED")]);
        let freezer = Freezer::in_folder(&folder).unwrap();
        for (motion, word) in [(Motion::Frozen, "FROZEN"), (Motion::Thawed, "THAWED")] {
            freezer.set(motion).await.unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("freezer.state")).unwrap(), word);
        }
    }

    #[tokio::test]
    async fn version_2_is_told_by_a_number_and_tells_among_its_events() {
        let files = [("cgroup.freeze", "0"), ("cgroup.events", "populated 1\nfrozen 1\n")];
        let (dir, folder) = folder(Version::Two, &files);
        let freezer = Freezer::in_folder(&folder).unwrap();
        freezer.set(Motion::Frozen).await.unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("cgroup.freeze")).unwrap(), "1");
        fs::write(dir.path().join("cgroup.events"), "populated 1\nfrozen 0\n").unwrap();
        freezer.set(Motion::Thawed).await.unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("cgroup.freeze")).unwrap(), "0");
    }

    #[tokio::test]
    async fn what_does_not_freeze_in_time_is_thawed_again() {
        let files = [("cgroup.freeze", "0"), ("cgroup.events", "populated 1\nfrozen 0\n")];
        let (dir, folder) = folder(Version::Two, &files);
        let freezer = Freezer::in_folder(&folder).unwrap();
        let error = freezer.set(Motion::Frozen).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(fs::read_to_string(dir.path().join("cgroup.freeze")).unwrap(), "0");
    }

    #[test]
    fn a_group_that_is_gone_is_not_made_anew() {
        let (dir, folder) = folder(Version::One, &[]);
        assert!(Freezer::in_folder(&folder).is_err());
        assert!(!dir.path().join("freezer.state").exists());
    }
}
