//! Reads how much CPU time a container's processes have used.

use std::fs::File;
use std::time::Duration;

use super::look;
use super::whereabouts::{Version, Whereabouts};
use crate::factory::CpuMeter;

/// The counter of one container; its file stays open, as it is read around every run.
#[derive(Debug)]
pub(in crate::docker) struct GroupMeter {
    version: Version,
    file: File,
}

impl GroupMeter {
    /// The counter, where there is one that can be read.
    pub(super) fn of(whereabouts: &Whereabouts) -> Option<Self> {
        // Version 1 counts in a hierarchy of its own.
        let folder = whereabouts.folder("cpuacct")?;
        let name = match folder.version {
            Version::One => "cpuacct.usage",
            Version::Two => "cpu.stat",
        };
        Some(Self { version: folder.version, file: File::open(folder.path.join(name)).ok()? })
    }
}

impl CpuMeter for GroupMeter {
    fn used(&self) -> Option<Duration> {
        look(&self.file, |text| match self.version {
            Version::One => text.trim_end().parse().ok().map(Duration::from_nanos),
            Version::Two => {
                let usage = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
                usage.parse().ok().map(Duration::from_micros)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn meter(version: Version, text: &str) -> (tempfile::NamedTempFile, GroupMeter) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let meter = GroupMeter { version, file: file.reopen().unwrap() };
        (file, meter)
    }

    #[test]
    fn both_versions_are_read_again_and_again() {
        let (file, one) = meter(Version::One, "1234567\n");
        assert_eq!(one.used(), Some(Duration::from_nanos(1_234_567)));
        fs::write(file.path(), "2234567\n").unwrap();
        assert_eq!(one.used(), Some(Duration::from_nanos(2_234_567)));
        let (_file, two) = meter(Version::Two, "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n");
        assert_eq!(two.used(), Some(Duration::from_micros(1500)));
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        let (_file, empty) = meter(Version::One, "");
        assert_eq!(empty.used(), None);
        let (_file, strange) = meter(Version::Two, "nr_periods 0\n");
        assert_eq!(strange.used(), None);
    }
}
