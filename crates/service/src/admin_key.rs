//! The administrator's key: who shows it may manage subjects and limits. It opens nothing else, and users' keys
//! do not open what it does.

use std::fmt;
use std::path::Path;

use rand::distr::{Alphanumeric, SampleString};

use crate::key_file::{self, KeyFileError};

/// Characters of a key that is made here.
const LENGTH: usize = 64;
/// Fewer could be guessed.
const LEAST: usize = 32;
const WHAT: &str = "an administrator's key: it has to be 32 printable characters or more, without blanks";

/// What an administrator has to show. It is kept as a hash alone.
#[derive(Clone)]
pub struct AdminKey(blake3::Hash);

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(…)")
    }
}

impl AdminKey {
    /// Reads the key in `path`; makes one of 64 random characters out of `[A-Za-z0-9]`, with mode 0600, if there
    /// is no such file.
    ///
    /// # Errors
    /// When the file cannot be read or made, is no key, or may be read by others.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        let new = Alphanumeric.sample_string(&mut rand::rng(), LENGTH) + "\n";
        Self::parse(path, &key_file::read_or_create(path, new.as_bytes())?)
    }

    /// Reads the key in `path`, which has to be there.
    ///
    /// # Errors
    /// When the file cannot be read, is no key, or may be read by others.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Self::parse(path, &key_file::read(path)?)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, KeyFileError> {
        let key = bytes.trim_ascii();
        match key.len() >= LEAST && key.iter().all(u8::is_ascii_graphic) {
            true => Ok(Self(blake3::hash(key))),
            false => Err(KeyFileError::Malformed { path: path.to_owned(), what: WHAT }),
        }
    }

    /// Whether this is the key. It takes the same time for every text of one length: hashes are compared, and in
    /// constant time.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        blake3::hash(text.as_bytes()) == self.0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_what_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.key");
        assert!(AdminKey::load(&path).is_err(), "it is not made by reading");
        let made = AdminKey::load_or_create(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let read = AdminKey::load(&path).unwrap();
        for key in [&made, &read] {
            assert!(key.is(text.trim_end()));
            assert!(!key.is(&text) && !key.is("") && !key.is(&text[1..]));
        }
        assert_eq!(text.trim_end().len(), LENGTH);
        assert!(!format!("{made:?}").contains(text.trim_end()));
    }

    #[test]
    fn what_could_be_guessed_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.key");
        for (text, good) in
            [("x".repeat(31), false), ("x".repeat(32), true), (format!("{} y", "x".repeat(32)), false)]
        {
            std::fs::write(&path, &text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            assert_eq!(AdminKey::load(&path).is_ok(), good, "{text}");
        }
    }
}
