//! The server's key: hashes credentials for look-up and seals those that have to be handed out again. It
//! knows nothing of subjects or stores.

use std::fmt;
use std::path::Path;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use whirl_model::{Credentials, KeyHash, SealedKey};

use crate::key_file;
pub use crate::key_file::KeyFileError;

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
/// The first byte of every sealed text: AES-256-GCM with a random nonce.
const FORMAT: u8 = 1;
const WHAT: &str = "a server key: it has to have exactly 32 bytes";

/// Why sealed credentials do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a sealed text at all.
    #[error("the sealed credentials are malformed")]
    Malformed,
    /// Sealed with a key that this server does not have.
    #[error("the credentials were sealed with another server key")]
    OtherKey,
    /// Changed, or sealed for another purpose.
    #[error("the sealed credentials were tampered with or belong elsewhere")]
    Forged,
}

/// The purpose of the token that controllers show invokers for the logs of what is running.
pub const LIVE_LOGS: &str = "live logs";

/// What one process of a cluster shows another for one purpose. It tells nothing of the key it was made with.
#[derive(Clone)]
pub struct Token(blake3::Hash);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token itself: 64 hexadecimal digits.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.0.to_hex().to_string()
    }

    /// Whether this is the token, compared in constant time.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        blake3::Hash::from_hex(text).is_ok_and(|shown| shown == self.0)
    }
}

/// A server's secret, and what is made with it. Clones are cheap enough to keep one per worker.
#[derive(Clone)]
pub struct ServerKey {
    id: [u8; ID_BYTES],
    hash_key: [u8; KEY_BYTES],
    token_key: [u8; KEY_BYTES],
    cipher: Aes256Gcm,
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

impl ServerKey {
    /// The key of the given random bytes. What is hashed with, what is sealed with, what tokens are made with and
    /// the key's id are derived from them, so that none tells another.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        let derived = |purpose| blake3::derive_key(purpose, bytes);
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&derived("whirl 2026 server key id")[..ID_BYTES]);
        let seal_key = derived("whirl 2026 server key sealing");
        Self {
            id,
            hash_key: derived("whirl 2026 server key hashing"),
            token_key: derived("whirl 2026 server key tokens"),
            cipher: Aes256Gcm::new(&Key::<Aes256Gcm>::from(seal_key)),
        }
    }

    /// Reads the key in `path`; makes one of random bytes if there is no such file. The file appears whole,
    /// with mode 0600, or not at all; of two processes that make it at once both get the same key.
    ///
    /// # Errors
    /// When the file cannot be read or made, is no key, or may be read by others.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        let new: [u8; KEY_BYTES] = rand::random();
        Self::parse(path, key_file::read_or_create(path, &new)?)
    }

    /// Reads the key in `path`, which has to be there: processes that share subjects share their key.
    ///
    /// # Errors
    /// When the file cannot be read, is no key, or may be read by others.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Self::parse(path, key_file::read(path)?)
    }

    fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self, KeyFileError> {
        let malformed = |_| KeyFileError::Malformed { path: path.to_owned(), what: WHAT };
        Ok(Self::from_bytes(&bytes.try_into().map_err(malformed)?))
    }

    /// What credentials are looked up by: BLAKE3 keyed with this server's key.
    #[must_use]
    pub fn hash(&self, credentials: &Credentials) -> KeyHash {
        let hash = blake3::keyed_hash(&self.hash_key, credentials.reveal().as_bytes());
        KeyHash::from_hex(hash.to_hex().to_string())
    }

    /// What processes that have this key show each other for a purpose.
    #[must_use]
    pub fn token(&self, purpose: &str) -> Token {
        Token(blake3::keyed_hash(&self.token_key, purpose.as_bytes()))
    }

    /// Seals credentials so that only a holder of this key can open them, and only for the same purpose
    /// `aad`, such as the namespace they belong to.
    ///
    /// # Panics
    /// Never: the text is far shorter than the cipher's limit.
    #[must_use]
    pub fn seal(&self, credentials: &Credentials, aad: &[u8]) -> SealedKey {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let clear = credentials.reveal();
        let sealed = self
            .cipher
            .encrypt(&nonce.into(), Payload { msg: clear.as_bytes(), aad })
            .expect("credentials are short");
        let mut envelope = Vec::with_capacity(1 + ID_BYTES + NONCE_BYTES + sealed.len());
        envelope.push(FORMAT);
        envelope.extend_from_slice(&self.id);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        SealedKey::from_text(&URL_SAFE_NO_PAD.encode(envelope))
    }

    /// Opens sealed credentials.
    ///
    /// # Errors
    /// When the text is no seal of this key for this purpose.
    pub fn open(&self, sealed: &SealedKey, aad: &[u8]) -> Result<Credentials, OpenError> {
        let envelope = URL_SAFE_NO_PAD.decode(sealed.as_str()).map_err(|_| OpenError::Malformed)?;
        let rest = envelope.strip_prefix(&[FORMAT]).ok_or(OpenError::Malformed)?;
        let (id, rest) = rest.split_at_checked(ID_BYTES).ok_or(OpenError::Malformed)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Malformed)?;
        if id != self.id {
            return Err(OpenError::OtherKey);
        }
        let clear = self
            .cipher
            .decrypt(&(*nonce).into(), Payload { msg: text, aad })
            .map_err(|_| OpenError::Forged)?;
        String::from_utf8(clear).ok().and_then(|t| t.parse().ok()).ok_or(OpenError::Malformed)
    }
}

/// Fresh credentials: a random UUID and 64 random characters out of `[A-Za-z0-9]`.
///
/// # Panics
/// Never: what is made here are credentials.
#[must_use]
pub fn new_credentials() -> Credentials {
    use rand::distr::{Alphanumeric, SampleString};
    let key = Alphanumeric.sample_string(&mut rand::rng(), 64);
    format!("{}:{key}", uuid::Uuid::new_v4()).parse().expect("a UUID and 64 characters are credentials")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_key_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.key");
        let made = ServerKey::load_or_create(&path).unwrap();
        let read = ServerKey::load(&path).unwrap();
        let who = new_credentials();
        assert_eq!(made.hash(&who), read.hash(&who));
        assert_eq!(read.open(&made.seal(&who, b"alice"), b"alice").unwrap(), who);
        std::fs::write(&path, [1; KEY_BYTES - 1]).unwrap();
        assert!(matches!(ServerKey::load_or_create(&path), Err(KeyFileError::Malformed { .. })));
    }

    #[test]
    fn seals_open_with_the_same_key_for_the_same_purpose_only() {
        let (ours, theirs) = (ServerKey::from_bytes(&[1; 32]), ServerKey::from_bytes(&[2; 32]));
        let who = new_credentials();
        let sealed = ours.seal(&who, b"alice");
        assert_ne!(sealed, ours.seal(&who, b"alice"), "the nonce is random");
        assert_eq!(ours.open(&sealed, b"bob"), Err(OpenError::Forged));
        assert_eq!(theirs.open(&sealed, b"alice"), Err(OpenError::OtherKey));
        for text in ["", "AQ", "!", &sealed.as_str()[..20]] {
            assert_eq!(ours.open(&SealedKey::from_text(text), b"alice"), Err(OpenError::Malformed), "{text}");
        }
        let mut forged = sealed.as_str().to_owned();
        let last = if forged.pop() == Some('A') { 'E' } else { 'A' };
        forged.push(last);
        assert!(ours.open(&SealedKey::from_text(&forged), b"alice").is_err());
    }

    #[test]
    fn a_token_is_of_one_key_and_one_purpose() {
        let key = ServerKey::from_bytes(&[1; 32]);
        let shown = key.token("logs").reveal();
        assert!(key.token("logs").is(&shown));
        assert!(!key.token("other").is(&shown) && !ServerKey::from_bytes(&[2; 32]).token("logs").is(&shown));
        assert!(!key.token("logs").is("") && !key.token("logs").is(&shown[1..]));
        assert!(!format!("{:?}", key.token("logs")).contains(&shown));
    }

    #[test]
    fn hashes_depend_on_the_server_and_on_every_character() {
        let who = new_credentials();
        let ours = ServerKey::from_bytes(&[1; 32]).hash(&who);
        assert_ne!(ours, ServerKey::from_bytes(&[2; 32]).hash(&who));
        assert_ne!(ours, ServerKey::from_bytes(&[1; 32]).hash(&new_credentials()));
        assert_eq!(ours.as_str().len(), 64);
    }
}
