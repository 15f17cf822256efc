//! Sizes written as text with a unit, as manifests and namespace limits use them: `"256 MB"`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes. Units are powers of 1024.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(u64);

/// The text is not a whole number followed by B, KB, MB or GB.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a size: use a whole number and one of B, KB, MB, GB")]
pub struct SizeError(String);

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many mebibytes.
    #[must_use]
    pub const fn megabytes(megabytes: u64) -> Self {
        Self(megabytes << 20)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// Whole mebibytes, rounded down.
    #[must_use]
    pub const fn as_megabytes(self) -> u64 {
        self.0 >> 20
    }
}

impl FromStr for ByteSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let error = || SizeError(text.to_owned());
        let trimmed = text.trim();
        let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = trimmed[..digits].parse().map_err(|_| error())?;
        let factor: u64 = match trimmed[digits..].trim().to_ascii_lowercase().as_str() {
            "b" | "bytes" | "byte" => 1,
            "k" | "kb" => 1 << 10,
            "m" | "mb" => 1 << 20,
            "g" | "gb" => 1 << 30,
            _ => return Err(error()),
        };
        number.checked_mul(factor).map(Self).ok_or_else(error)
    }
}

impl TryFrom<String> for ByteSize {
    type Error = SizeError;
    fn try_from(text: String) -> Result<Self, SizeError> {
        text.parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> String {
        size.to_string()
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit that divides the size without rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shift, unit) = match self.0 {
            0 => (0, "B"),
            n if n.trailing_zeros() >= 20 => (20, "MB"),
            n if n.trailing_zeros() >= 10 => (10, "KB"),
            _ => (0, "B"),
        };
        write!(f, "{} {unit}", self.0 >> shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_print() {
        for (text, bytes, shown) in [
            ("256 MB", 256 << 20, "256 MB"),
            ("2g", 2 << 30, "2048 MB"),
            ("1024 B", 1024, "1 KB"),
            ("0 B", 0, "0 B"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.as_bytes(), size.to_string().as_str()), (bytes, shown));
        }
        for bad in ["", "MB", "1.5 MB", "-1 MB", "12", "99999999999 GB", "1 XB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }
}
