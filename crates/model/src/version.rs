//! Versions of entities: `major.minor.patch`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// An entity's version. A new entity is `0.0.1`; each overwriting PUT raises the patch number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The text is not `M`, `M.m` or `M.m.p` with whole numbers, or it is `0.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a version: use three whole numbers with dots, not all zero")]
pub struct VersionError(String);

impl Version {
    /// `0.0.1`, the version of a new entity.
    pub const FIRST: Self = Self { major: 0, minor: 0, patch: 1 };

    /// The version after this one.
    #[must_use]
    pub fn next_patch(self) -> Self {
        Self { patch: self.patch.saturating_add(1), ..self }
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::FIRST
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.to_owned());
        let mut numbers = [0u32; 3];
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > 3 {
            return Err(error());
        }
        for (number, part) in numbers.iter_mut().zip(&parts) {
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(error());
            }
            *number = part.parse().map_err(|_| error())?;
        }
        let [major, minor, patch] = numbers;
        if numbers == [0; 3] { Err(error()) } else { Ok(Self { major, minor, patch }) }
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_versions_are_padded_and_bad_ones_refused() {
        assert_eq!("1".parse::<Version>().unwrap().to_string(), "1.0.0");
        assert_eq!("1.2".parse::<Version>().unwrap().next_patch().to_string(), "1.2.1");
        for bad in ["0.0.0", "0", "", "1.", "-1.0.0", "1.2.3.4", "a.b.c", "+1", "99999999999"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
