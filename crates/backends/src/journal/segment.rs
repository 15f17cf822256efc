//! One file of the journal: `NUMBER.journal`, eight bytes that tell the format, then entries.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{JournalError, failed};

pub(super) const HEADER: &[u8; 8] = b"WHIRLJ1\n";

pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.journal"))
}

/// The numbers of the segments that there are, oldest first.
pub(super) fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(dir)? {
        let name = file?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|n| n.strip_suffix(".journal")).and_then(|n| n.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The segment that grows.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<File>,
    pub(super) len: u64,
    /// Whether more may be appended: nothing may come behind bytes that cannot be read back.
    pub(super) sound: bool,
    path: PathBuf,
}

impl Segment {
    pub(super) fn create(dir: &Path, number: u64) -> Result<Self, JournalError> {
        let path = path(dir, number);
        // An attempt before may have left the file without its header.
        let create = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.set_len(0)?;
            file.write_all(HEADER)?;
            Ok(file)
        };
        let file = create().map_err(|e| failed("create", &path, e))?;
        Ok(Self { number, file: Arc::new(file), len: HEADER.len() as u64, sound: true, path })
    }

    /// Appends an entry with one write, or leaves the file as it was.
    pub(super) fn append(&mut self, entry: &[u8]) -> Result<(), JournalError> {
        match (&*self.file).write_all(entry) {
            Ok(()) => {
                self.len += entry.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.sound = self.file.set_len(self.len).is_ok();
                Err(failed("append to", &self.path, error))
            }
        }
    }
}
