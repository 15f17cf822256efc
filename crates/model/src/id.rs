//! Identifiers: activations, transactions, documents and their revisions, controllers and invokers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// Names one activation: 128 random bits, written as 32 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ActivationId(u128);

/// The text is not 32 lower-case hexadecimal characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an activation id has 32 characters out of 0-9 and a-f, '{0}' has not")]
pub struct ActivationIdError(String);

impl ActivationId {
    /// An id of the given random bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits of the id.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// Its characters. By hand, as every activation's id is written many times.
    fn characters(self) -> [u8; 32] {
        let bytes = self.0.to_be_bytes();
        std::array::from_fn(|place| {
            let byte = bytes[place / 2];
            let digit = if place % 2 == 0 { byte >> 4 } else { byte & 0xf };
            b"0123456789abcdef"[usize::from(digit)]
        })
    }
}

impl FromStr for ActivationId {
    type Err = ActivationIdError;
    fn from_str(text: &str) -> Result<Self, ActivationIdError> {
        let well_formed = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let bits = if well_formed { u128::from_str_radix(text, 16).ok() } else { None };
        bits.map(Self).ok_or_else(|| ActivationIdError(text.to_owned()))
    }
}

impl TryFrom<String> for ActivationId {
    type Error = ActivationIdError;
    fn try_from(text: String) -> Result<Self, ActivationIdError> {
        text.parse()
    }
}

impl Serialize for ActivationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text(&self.characters()))
    }
}

impl fmt::Display for ActivationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text(&self.characters()))
    }
}

fn text(digits: &[u8; 32]) -> &str {
    std::str::from_utf8(digits).expect("digits are ASCII")
}

impl fmt::Debug for ActivationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Names one request through all its stages. Shown to clients as `X-Request-ID` and as `code` in errors.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransactionId(Arc<str>);

impl TransactionId {
    /// An id of 32 characters out of `[A-Za-z0-9]`, made of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let text: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(*b) % 62])).collect();
        Self(text.into())
    }

    /// The id that a client sent, if it may be used: `[0-9a-zA-Z_-]+`, at most 128 characters, and not
    /// beginning with `sid_`, which marks the platform's own transactions.
    #[must_use]
    pub fn from_client(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let good = (1..=128).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with("sid_");
        good.then(|| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a document in the entity store: `NAMESPACE/NAME` or `NAMESPACE/PACKAGE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocId(Arc<str>);

impl DocId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&crate::EntityPath> for DocId {
    fn from(path: &crate::EntityPath) -> Self {
        Self(path.to_string().into())
    }
}

impl From<&crate::ActionPath> for DocId {
    fn from(path: &crate::ActionPath) -> Self {
        Self(path.to_string().into())
    }
}

impl From<&str> for DocId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One state of a document; opaque, compared only for equality. The store makes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(Arc<str>);

impl Revision {
    /// The revision as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Revision {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number! {
    /// A controller's number in its cluster, from 0.
    ControllerId, "controller"
}

number! {
    /// An invoker's number in its cluster, from 0.
    InvokerId, "invoker"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activation_ids_are_32_lower_case_hex_characters() {
        let id = ActivationId::from_bits(0xabc);
        assert_eq!(id.to_string(), format!("{}abc", "0".repeat(29)));
        assert_eq!(id.to_string().parse(), Ok(id));
        let other = ActivationId::from_bits(0x0123_4567_89ab_cdef_f0e1_d2c3_b4a5_9687);
        assert_eq!(serde_json::to_string(&other).unwrap(), "\"0123456789abcdeff0e1d2c3b4a59687\"");
        for bad in
            ["", "abc", &"A".repeat(32), &"g".repeat(32), &"0".repeat(33), &format!("+{}", "0".repeat(31))]
        {
            assert!(bad.parse::<ActivationId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_may_choose_its_transaction_id_but_not_the_platforms() {
        assert_eq!(TransactionId::from_client("my-id_1").unwrap().as_str(), "my-id_1");
        for bad in ["", "sid_x", "a b", "x\r\ny", &"x".repeat(129)] {
            assert!(TransactionId::from_client(bad).is_none(), "{bad:?}");
        }
        assert_eq!(TransactionId::from_random([255; 32]).as_str().len(), 32);
    }
}
