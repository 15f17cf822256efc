//! The property file (`~/.wskprops`): `KEY=VALUE` lines. What it does not know (other keys, comments, blank
//! lines) stays where it is when the file is rewritten.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A property that this program reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The API host.
    ApiHost,
    /// The credential, `uuid:key`.
    Auth,
    /// The version segment of the API path.
    ApiVersion,
    /// The file of a client certificate.
    Certificate,
    /// The file of the certificate's private key.
    PrivateKey,
    /// The address of the server's administration.
    AdminHost,
    /// The access token of the API gateway.
    GatewayToken,
}

impl Key {
    /// The key as it stands in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiHost => "APIHOST",
            Self::Auth => "AUTH",
            Self::ApiVersion => "APIVERSION",
            Self::Certificate => "CERT",
            Self::PrivateKey => "KEY",
            Self::AdminHost => "ADMINHOST",
            Self::GatewayToken => "APIGW_ACCESS_TOKEN",
        }
    }
}

/// A property file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PropertyError {
    /// Reading failed for another reason than that there is no such file.
    #[error("Unable to read the property file '{}'", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The new contents could not be put in place; the old ones are untouched.
    #[error("Unable to write the property file '{}'", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
}

/// The lines of a property file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    lines: Vec<String>,
}

impl Properties {
    /// Reads a file; one that does not exist counts as empty.
    ///
    /// # Errors
    /// [`PropertyError::Read`].
    pub fn load(path: &Path) -> Result<Self, PropertyError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(PropertyError::Read { path: path.to_owned(), source }),
        }
    }

    /// Takes the text of a file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    /// The value of a key; the last one if it is repeated, none if it is empty.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&str> {
        let mut values = self.lines.iter().rev().filter_map(|line| value_of(line, key));
        values.next().filter(|value| !value.is_empty())
    }

    /// Sets a key where it stands, or at the end.
    pub fn set(&mut self, key: Key, value: &str) {
        let first = self.lines.iter().position(|line| value_of(line, key).is_some());
        self.unset(key);
        self.lines.insert(first.unwrap_or(self.lines.len()), format!("{}={value}", key.as_str()));
    }

    /// Removes a key.
    pub fn unset(&mut self, key: Key) {
        self.lines.retain(|line| value_of(line, key).is_none());
    }

    /// Replaces the file by one that only its owner can read. A reader sees the old file or the new one.
    ///
    /// # Errors
    /// [`PropertyError::Write`].
    pub fn save(&self, path: &Path) -> Result<(), PropertyError> {
        self.replace_file(path).map_err(|source| PropertyError::Write { path: path.to_owned(), source })
    }

    fn replace_file(&self, path: &Path) -> std::io::Result<()> {
        // A link to the real file, as keepers of dot files have it, is to stay a link.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?; // mode 0600
        for line in &self.lines {
            writeln!(file, "{line}")?;
        }
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    }
}

/// The value that a line gives to `key`; `None` for other lines and comments.
fn value_of(line: &str, key: Key) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    (name.trim() == key.as_str()).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# mine\nAPIHOST=h1\n\nNAMESPACE=_\n AUTH = u:k=x \nAPIHOST=h2\nAPIGW_ACCESS_TOKEN=t\n";

    #[test]
    fn the_last_value_counts_and_blanks_do_not() {
        let properties = Properties::parse(TEXT);
        assert_eq!(properties.get(Key::ApiHost), Some("h2"));
        assert_eq!(properties.get(Key::Auth), Some("u:k=x"));
        assert_eq!(properties.get(Key::Certificate), None);
        assert_eq!(Properties::parse("AUTH=\n#APIHOST=x").get(Key::Auth), None);
        assert_eq!(Properties::parse("AUTH=\n#APIHOST=x").get(Key::ApiHost), None);
    }

    #[test]
    fn rewriting_keeps_what_it_does_not_know_and_closes_the_file_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("props");
        std::fs::write(&path, TEXT).unwrap();
        let mut properties = Properties::load(&path).unwrap();
        properties.set(Key::ApiHost, "new");
        properties.set(Key::PrivateKey, "k.pem");
        properties.unset(Key::Auth);
        properties.save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\nAPIHOST=new\n\nNAMESPACE=_\nAPIGW_ACCESS_TOKEN=t\nKEY=k.pem\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "APIHOST=old\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut properties = Properties::load(&link).unwrap();
        properties.set(Key::ApiHost, "new");
        properties.save(&link).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "APIHOST=new\n");
    }

    #[test]
    fn a_missing_file_is_empty_and_a_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Properties::load(&folder.path().join("none")).unwrap(), Properties::default());
        assert!(Properties::load(folder.path()).is_err());
    }
}
