//! A lock file: one process at a time works on a data directory. The operating system releases it when the
//! process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Creates the file if need be and locks it until the returned handle is dropped.
///
/// # Errors
/// `WouldBlock` while someone else holds it; others when the file cannot be made.
pub(crate) fn acquire(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            format!("another process works there: it holds the lock on {}", path.display()),
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
