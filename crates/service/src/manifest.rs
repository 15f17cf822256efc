//! Where a process has its runtime manifest from: a file, or the one that is built in. What it says is the
//! model's business.

use std::path::{Path, PathBuf};

use whirl_model::RuntimeManifest;

const BUILT_IN: &str = include_str!("../../../runtimes/runtimes.json");

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestFileError {
    /// The file cannot be read.
    #[error("the runtime manifest '{}' cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("the runtime manifest '{}' cannot be used", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: whirl_model::runtimes::ManifestError,
    },
}

/// The manifest in the file, or the built-in one if no file is given.
///
/// # Errors
/// When the file cannot be read or is no manifest.
pub fn read(file: Option<&Path>) -> Result<RuntimeManifest, ManifestFileError> {
    let Some(path) = file else {
        return Ok(RuntimeManifest::parse(BUILT_IN).expect("a test reads the built-in manifest"));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManifestFileError::Io { path: path.to_owned(), source })?;
    RuntimeManifest::parse(&text)
        .map_err(|source| ManifestFileError::Malformed { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_manifest_can_be_used_and_a_file_takes_its_place() {
        assert!(read(None).unwrap().iter().count() > 0);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runtimes.json");
        assert!(matches!(read(Some(&file)), Err(ManifestFileError::Io { .. })));
        std::fs::write(&file, "{").unwrap();
        assert!(matches!(read(Some(&file)), Err(ManifestFileError::Malformed { .. })));
        std::fs::write(&file, r#"{"runtimes":{"a":[{"kind":"a:1","default":true,"image":{"name":"x"}}]}}"#)
            .unwrap();
        assert_eq!(read(Some(&file)).unwrap().iter().count(), 1);
    }
}
