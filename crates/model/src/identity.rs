//! Subjects, their namespaces and keys, and the caller that a request turns out to be.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Namespace;

/// A `uuid:key` pair as clients send it. Never printed: `Debug` hides the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    uuid: String,
    key: String,
}

/// The text is no pair of a UUID and a key of exactly 64 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("credentials are UUID:KEY with a key of exactly 64 characters")]
pub struct CredentialsError;

impl Credentials {
    /// The user part.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// `uuid:key` in clear, as actions that asked for it get it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}:{}", self.uuid, self.key)
    }
}

impl FromStr for Credentials {
    type Err = CredentialsError;

    fn from_str(text: &str) -> Result<Self, CredentialsError> {
        let (uuid, key) = text.split_once(':').ok_or(CredentialsError)?;
        let dashes = [8, 13, 18, 23];
        let uuid_good = uuid.len() == 36
            && uuid
                .bytes()
                .enumerate()
                .all(|(i, b)| if dashes.contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() });
        let key_good = key.len() == 64 && key.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if uuid_good && key_good {
            Ok(Self { uuid: uuid.to_owned(), key: key.to_owned() })
        } else {
            Err(CredentialsError)
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.uuid)
    }
}

/// A keyed hash of credentials, 64 hexadecimal characters: what stores look them up by.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(String);

impl KeyHash {
    /// Takes a hash as hexadecimal text.
    #[must_use]
    pub fn from_hex(hex: String) -> Self {
        Self(hex)
    }

    /// The hash as hexadecimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({}…)", self.0.get(..8).unwrap_or_default())
    }
}

/// Credentials sealed with the server's key, as base64 text. Only a holder of that key can open them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedKey(Arc<str>);

impl SealedKey {
    /// Takes a sealed key as text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The sealed key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedKey(…)")
    }
}

/// One namespace of a subject and the credential that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectNamespace {
    /// The namespace's name.
    pub name: Namespace,
    /// The namespace's UUID, which is also the user part of its credential.
    pub uuid: String,
    /// What the credential is looked up by.
    pub key_hash: KeyHash,
    /// The credential, sealed.
    pub sealed_key: SealedKey,
}

/// Someone who may use the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name, 5 characters or more.
    pub subject: String,
    /// Its namespaces, each with a credential of its own.
    pub namespaces: Vec<SubjectNamespace>,
    /// A blocked subject's credentials count as unknown.
    #[serde(default)]
    pub blocked: bool,
}

/// Who a request comes from: a credential stands for exactly one namespace of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The subject's name.
    pub subject: String,
    /// The credential's namespace.
    pub namespace: Namespace,
    /// The namespace's UUID.
    pub uuid: String,
    /// The credential, sealed, for actions that may have it.
    pub sealed_key: SealedKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_a_uuid_and_64_characters() {
        let uuid = "0a0b0c0d-1111-2222-3333-444455556666";
        let good = format!("{uuid}:{}", "k".repeat(64));
        let read: Credentials = good.parse().unwrap();
        assert_eq!((read.uuid(), read.reveal()), (uuid, good));
        assert_eq!(format!("{read:?}"), format!("{uuid}:…"));
        for bad in [
            String::new(),
            uuid.to_owned(),
            format!("{uuid}:{}", "k".repeat(63)),
            format!("{uuid}:{}", "k".repeat(65)),
            format!("{}:{}", "x".repeat(36), "k".repeat(64)),
        ] {
            assert!(bad.parse::<Credentials>().is_err(), "{bad}");
        }
    }
}
