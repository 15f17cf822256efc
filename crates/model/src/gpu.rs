//! GPUs: what an action asks for, and what a host has. Whether the one can be had from the other is decided
//! where things are placed.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A device may be shared by so many at the most.
pub const MOST_WAYS: u32 = 64;
/// `1 / 3` has no end as a decimal: a share is understood if it is this close to one.
const TOLERANCE: f64 = 0.001;

/// What an action asks for. In JSON a number, `2` for two whole devices or `0.25` for a quarter of one; with a
/// class, `{"count": 2, "class": "h100"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GpuLimit {
    /// How many, or how much of one.
    pub amount: GpuAmount,
    /// What kind; any if not given.
    pub class: Option<GpuClass>,
}

/// How many devices, or how much of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GpuAmount {
    /// So many whole devices, at least one, which nobody else has meanwhile.
    Devices(u32),
    /// One of so many equal parts of a device, at least two. The parts share the device's memory, which
    /// nothing keeps apart.
    Share(u32),
}

impl GpuAmount {
    /// Reads `2` as two devices and `0.25` as one of four parts. `None` for what is neither a whole number above
    /// zero nor one divided by 2 to 64.
    #[must_use]
    pub fn from_number(number: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        let whole = |x: f64, most: u32| (x >= 1.0 && x <= f64::from(most)).then_some(x.round() as u32);
        if number > 0.0 && number < 1.0 {
            let parts = whole((1.0 / number).round(), MOST_WAYS).filter(|parts| *parts >= 2)?;
            return ((1.0 / f64::from(parts) - number).abs() < TOLERANCE).then_some(Self::Share(parts));
        }
        let devices = whole(number, u32::MAX)?;
        (f64::from(devices) == number).then_some(Self::Devices(devices))
    }
}

impl fmt::Display for GpuAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Devices(devices) => devices.fmt(f),
            Self::Share(parts) => (1.0 / f64::from(*parts)).fmt(f),
        }
    }
}

impl Serialize for GpuAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Devices(devices) => serializer.serialize_u32(*devices),
            Self::Share(parts) => serializer.serialize_f64(1.0 / f64::from(*parts)),
        }
    }
}

impl<'de> Deserialize<'de> for GpuAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        amount(f64::deserialize(deserializer)?)
    }
}

impl fmt::Display for GpuLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.class {
            Some(class) => write!(f, "{} of class {class}", self.amount),
            None => self.amount.fmt(f),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Classed {
    count: GpuAmount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<GpuClass>,
}

impl Serialize for GpuLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.class {
            None => self.amount.serialize(serializer),
            Some(_) => Classed { count: self.amount, class: self.class.clone() }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for GpuLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match GpuChange::deserialize(deserializer)? {
            GpuChange::Set(limit) => Ok(limit),
            GpuChange::Remove => Err(D::Error::custom("0 is no amount of GPUs")),
        }
    }
}

/// What a client says about the limit: `0` takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GpuChange {
    /// The action is to have none.
    Remove,
    /// The action is to have this.
    Set(GpuLimit),
}

impl<'de> Deserialize<'de> for GpuChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChangeVisitor)
    }
}

/// Keeps the reason of what is wrong inside of an object.
struct ChangeVisitor;

#[expect(clippy::cast_precision_loss, reason = "numbers that large are out of bounds anyway")]
impl<'de> Visitor<'de> for ChangeVisitor {
    type Value = GpuChange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of GPUs, or an object with 'count' and 'class'")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<GpuChange, E> {
        if number == 0.0 {
            return Ok(GpuChange::Remove);
        }
        amount(number).map(|amount| GpuChange::Set(GpuLimit { amount, class: None }))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<GpuChange, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<GpuChange, E> {
        self.visit_f64(number as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GpuChange, A::Error> {
        let Classed { count, class } = Classed::deserialize(MapAccessDeserializer::new(map))?;
        Ok(GpuChange::Set(GpuLimit { amount: count, class }))
    }
}

/// The amount, or what one is.
fn amount<E: Error>(number: f64) -> Result<GpuAmount, E> {
    GpuAmount::from_number(number).ok_or_else(|| {
        let shares = format!("a share of one such as 0.5 or 0.25 (one divided by 2 to {MOST_WAYS})");
        E::custom(format!("{number} is no amount of GPUs: use a whole number, or {shares}"))
    })
}

/// A kind of GPU, such as `h100`: 1 to 64 lower-case letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GpuClass(String);

/// The text names no kind of GPU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no GPU class: use 1 to 64 lower-case letters, digits, '.', '_' and '-'")]
pub struct GpuClassError(String);

impl GpuClass {
    /// The class as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GpuClass {
    type Err = GpuClassError;

    fn from_str(text: &str) -> Result<Self, GpuClassError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(GpuClassError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for GpuClass {
    type Error = GpuClassError;

    fn try_from(text: String) -> Result<Self, GpuClassError> {
        text.parse()
    }
}

impl From<GpuClass> for String {
    fn from(class: GpuClass) -> Self {
        class.0
    }
}

impl fmt::Display for GpuClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one device among all of all hosts: the driver's UUID, such as `GPU-6a8d…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GpuId(String);

impl GpuId {
    /// The device with this UUID.
    #[must_use]
    pub fn new(uuid: impl Into<String>) -> Self {
        Self(uuid.into())
    }

    /// The UUID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One device of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuDevice {
    /// Its name.
    pub id: GpuId,
    /// What its maker calls it.
    pub model: String,
    /// What actions ask for it by.
    pub class: GpuClass,
    /// Mebibytes of its memory; 0 if not known.
    pub memory: u32,
    /// How many shares of it may be given out at once; 1 if it is not shared.
    pub ways: u32,
}

/// How a device is used, as its host tells the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuReport {
    /// The device.
    #[serde(flatten)]
    pub device: GpuDevice,
    /// How many of its `ways` no running or waiting activation needs.
    pub free: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_an_object_with_a_class() {
        for (text, amount, class) in [
            ("1", GpuAmount::Devices(1), None),
            ("0.25", GpuAmount::Share(4), None),
            (r#"{"count":2,"class":"h100"}"#, GpuAmount::Devices(2), Some("h100")),
        ] {
            let limit: GpuLimit = serde_json::from_str(text).unwrap();
            assert_eq!(limit, GpuLimit { amount, class: class.map(|c| c.parse().unwrap()) });
            assert_eq!(serde_json::to_string(&limit).unwrap(), text);
        }
        let third: GpuLimit = serde_json::from_str("0.333").unwrap();
        assert_eq!(third.amount, GpuAmount::Share(3));
        let again: GpuLimit = serde_json::from_str(&serde_json::to_string(&third).unwrap()).unwrap();
        assert_eq!(again, third);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [
            "0",
            "-1",
            "1.5",
            "0.4",
            "0.001",
            "\"1\"",
            "{}",
            r#"{"count":1,"class":"A b"}"#,
            r#"{"count":1,"x":1}"#,
        ] {
            assert!(serde_json::from_str::<GpuLimit>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<GpuChange>("0").unwrap(), GpuChange::Remove);
    }
}
