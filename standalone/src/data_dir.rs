//! Where `whirl` keeps what lasts.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The data directory and the names in it.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory if it is not there. Nobody else may look into it.
    pub(crate) fn open(given: Option<&Path>, port: u16) -> io::Result<Self> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => home()?.join(".whirl").join(format!("server-{port}")),
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        Ok(Self(path.canonicalize()?))
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("whirl.sqlite")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub(crate) fn server_key(&self) -> PathBuf {
        self.0.join("server.key")
    }

    pub(crate) fn admin_key(&self) -> PathBuf {
        self.0.join("admin.key")
    }

    pub(crate) fn processes(&self) -> PathBuf {
        self.0.join("processes")
    }

    /// Names the containers of this directory's process: the same after a restart, and nobody else's.
    pub(crate) fn owner(&self) -> String {
        let hash = blake3::hash(self.0.as_os_str().as_encoded_bytes());
        hash.to_hex()[..8].to_owned()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

fn home() -> io::Result<PathBuf> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "HOME is not set; name a folder by --data-dir");
    std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_private_and_its_owner_stays_the_same() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = DataDir::open(Some(&path), 1).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(first.owner(), DataDir::open(Some(&path), 2).unwrap().owner());
        assert_ne!(first.owner(), DataDir::open(Some(&parent.path().join("c")), 1).unwrap().owner());
    }
}
