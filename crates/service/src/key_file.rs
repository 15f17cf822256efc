//! Files that hold a secret: made once, whole, and readable by their owner alone. What the secrets are for is
//! decided elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error("the key file '{}' cannot be {operation}", path.display())]
    Io {
        /// What was tried: "read" or "created".
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("'{}' is not {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be, such as "a server key: …".
        what: &'static str,
    },
    /// Others than its owner may read the file.
    #[error("the key file '{}' may be read by others: its mode has to be 0600", .0.display())]
    Exposed(PathBuf),
}

/// What is in `path`, which has to be there.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    let failed = |source| KeyFileError::Io { operation: "read", path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(failed)?;
    if std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed(path.to_owned()));
    }
    Ok(bytes)
}

/// What is in `path`; `new` if there is no such file yet. The file appears whole, with mode 0600, or not at all;
/// of two processes that make it at once both get the same.
pub(crate) fn read_or_create(path: &Path, new: &[u8]) -> Result<Vec<u8>, KeyFileError> {
    match read(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        outcome => return outcome,
    }
    match create(path, new) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(KeyFileError::Io { operation: "created", path: path.to_owned(), source });
        }
    }
    read(path)
}

/// Puts a whole file in place, unless one is there.
fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".key-{:016x}", rand::random::<u64>()));
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    let placed = written.and_then(|()| std::fs::hard_link(&draft, path));
    std::fs::remove_file(&draft)?;
    placed?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_read_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/secret");
        assert_eq!(read_or_create(&path, b"first").unwrap(), b"first");
        assert_eq!(read_or_create(&path, b"second").unwrap(), b"first");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the draft is gone");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(read_or_create(&path, b"y"), Err(KeyFileError::Exposed(_))));
    }
}
