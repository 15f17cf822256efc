//! CPU time as actions ask for it: cores, to the thousandth. Not a weight; that follows from memory.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const THOUSANDTHS: f64 = 1000.0;

/// So many CPU cores. In JSON a number of cores, such as `0.5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cores(u32);

impl Cores {
    /// So many thousandths of a core.
    #[must_use]
    pub const fn from_thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// Thousandths of a core.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// Whether this is none at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// So many cores, to the next thousandth; what is not 0 does not become 0, which would mean no limit. `None` if it
    /// is negative, no number, or beyond four million.
    #[must_use]
    pub fn from_number(cores: f64) -> Option<Self> {
        let rounded = (cores * THOUSANDTHS).round();
        let thousandths = if cores > 0.0 { rounded.max(1.0) } else { rounded };
        let fits = (0.0..=f64::from(u32::MAX)).contains(&thousandths);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number in range"
        )]
        fits.then_some(Self(thousandths as u32))
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f64::from(self.0) / THOUSANDTHS).fmt(f)
    }
}

impl Serialize for Cores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u32(self.0 / 1000)
        } else {
            serializer.serialize_f64(f64::from(self.0) / THOUSANDTHS)
        }
    }
}

impl<'de> Deserialize<'de> for Cores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CoresVisitor)
    }
}

/// Says what is expected in words that users understand.
struct CoresVisitor;

#[expect(clippy::cast_precision_loss, reason = "numbers that large are out of bounds anyway")]
impl Visitor<'_> for CoresVisitor {
    type Value = Cores;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of CPU cores such as 2 or 0.5")
    }

    fn visit_f64<E: Error>(self, cores: f64) -> Result<Cores, E> {
        Cores::from_number(cores).ok_or_else(|| E::invalid_value(Unexpected::Float(cores), &self))
    }

    fn visit_i64<E: Error>(self, cores: i64) -> Result<Cores, E> {
        self.visit_f64(cores as f64)
    }

    fn visit_u64<E: Error>(self, cores: u64) -> Result<Cores, E> {
        self.visit_f64(cores as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_numbers_in_json() {
        for (text, thousandths) in [("0.5", 500), ("2", 2000), ("0.001", 1), ("0", 0)] {
            let cores: Cores = serde_json::from_str(text).unwrap();
            assert_eq!(cores, Cores::from_thousandths(thousandths));
            assert_eq!(serde_json::to_string(&cores).unwrap(), text);
            assert_eq!(cores.to_string(), text);
        }
        for (text, thousandths) in [("0.0004", 1), ("1e-300", 1), ("-0.0", 0), ("0.0014", 1)] {
            let cores: Cores = serde_json::from_str(text).unwrap();
            assert_eq!(cores, Cores::from_thousandths(thousandths), "{text}");
        }
        for bad in ["-1", "\"1\"", "1e300", "true"] {
            assert!(serde_json::from_str::<Cores>(bad).is_err(), "{bad}");
        }
    }
}
