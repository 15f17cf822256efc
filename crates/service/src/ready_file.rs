//! The file by which a process tells that it is up, and where: for scripts that started it. What it says is the
//! process's business.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the ready file '{}' cannot be written", path.display())]
pub struct ReadyFileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Writes the file: `ready` and a line's end.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, ready: &Value) -> Result<(), ReadyFileError> {
    let write = || {
        let mut file = std::fs::File::create(path)?;
        writeln!(file, "{ready}")
    };
    write().map_err(|source| ReadyFileError { path: path.to_owned(), source })
}
