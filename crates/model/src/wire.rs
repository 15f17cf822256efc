//! Messages as they go over a network: OpenWhisk's JSON bodies with Whirl's own members beside them. What they
//! mean is in `message`.
//!
//! Every body carries its version as `"v"`. Members that are not known are ignored; a version that is not known
//! is refused, as what it says may not mean what it meant.

use std::fmt;

use serde::de::{DeserializeOwned, Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Timestamp, TransactionId};

mod acknowledgement;
mod activation;
mod change;

/// The version that is written, and the highest that is read.
pub const VERSION: u32 = 1;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is of a later version.
    #[error("the message has version {0}, this program reads versions up to {VERSION}")]
    Version(u32),
    /// It is not what it should be.
    #[error("the message cannot be read")]
    Malformed(#[from] serde_json::Error),
    /// A member has not the form it should have.
    #[error("'{value}' is no {expected}")]
    Member {
        /// What it should be.
        expected: &'static str,
        /// What it is.
        value: String,
    },
}

/// A message with a body of its own.
pub trait Wire: Sized {
    /// The JSON text.
    fn to_wire(&self) -> Vec<u8>;

    /// The message that a body says.
    ///
    /// # Errors
    /// When the body is of a later version or malformed.
    fn from_wire(body: &[u8]) -> Result<Self, WireError>;
}

/// `"v"` alone; a body without one is of the first version.
#[derive(Deserialize)]
struct Versioned {
    #[serde(default = "first_version")]
    v: u32,
}

fn first_version() -> u32 {
    1
}

fn write(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("plain data serialises")
}

/// Reads a body, then its version: of a later version only the version matters.
fn read<T: DeserializeOwned>(body: &[u8], version: impl Fn(&T) -> u32) -> Result<T, WireError> {
    match serde_json::from_slice::<T>(body) {
        Ok(read) if version(&read) <= VERSION => Ok(read),
        Ok(later) => Err(WireError::Version(version(&later))),
        Err(error) => match serde_json::from_slice::<Versioned>(body) {
            Ok(Versioned { v }) if v > VERSION => Err(WireError::Version(v)),
            _ => Err(WireError::Malformed(error)),
        },
    }
}

/// `[id, start in ms]`: how a transaction is written. Further elements are ignored.
#[derive(Serialize)]
struct Transaction(TransactionId, Timestamp);

impl<'de> Deserialize<'de> for Transaction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Transaction;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of an id and a time")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Transaction, A::Error> {
                let id = elements.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let start = elements.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                while elements.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Transaction(id, start))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// `N` of a text `PREFIX` `N`.
fn number(text: &str, prefix: &str, expected: &'static str) -> Result<u32, WireError> {
    let number = text.strip_prefix(prefix).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| WireError::Member { expected, value: text.to_owned() })
}
