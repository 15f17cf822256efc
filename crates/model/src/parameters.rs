//! Key-value lists of entities (parameters and annotations), and the arguments of one activation.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Json;

/// One entry of a key-value list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub key: String,
    /// Its value; `null` is one.
    pub value: Json,
    /// Goes to the environment at `/init` instead of the arguments at `/run`.
    #[serde(default, skip_serializing_if = "is_false", deserialize_with = "null_is_false")]
    pub init: bool,
    /// The cipher the value is sealed with, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn null_is_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<bool>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list of keys and values in the order they were given. Of a repeated key the last value holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(IndexMap<String, Parameter>);

impl Parameters {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key).map(|p| &p.value)
    }

    /// Sets `key`, in place if it is there, else at the end.
    pub fn set(&mut self, key: &str, value: Json) {
        let parameter = Parameter { key: key.to_owned(), value, init: false, encryption: None };
        self.0.insert(key.to_owned(), parameter);
    }

    /// Sets `key` at the end of the list, wherever it was before.
    pub fn set_last(&mut self, key: &str, value: Json) {
        self.remove(key);
        self.set(key, value);
    }

    /// Removes `key` if it is there; the others keep their order.
    pub fn remove(&mut self, key: &str) {
        self.0.shift_remove(key);
    }

    /// Removes all of these keys that are there; the others keep their order.
    pub fn remove_all(&mut self, keys: &[String]) {
        let keys: HashSet<&str> = keys.iter().map(String::as_str).collect();
        self.0.retain(|key, _| !keys.contains(key.as_str()));
    }

    /// This list with the entries of `over` on top.
    #[must_use]
    pub fn merged_with(mut self, over: Self) -> Self {
        self.0.extend(over.0);
        self
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.0.values()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The size that limits count: bytes of all keys and of all values as compact JSON.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.values().map(|p| (p.key.len() + p.value.as_str().len()) as u64).sum()
    }
}

impl FromIterator<Parameter> for Parameters {
    fn from_iter<I: IntoIterator<Item = Parameter>>(entries: I) -> Self {
        Self(entries.into_iter().map(|p| (p.key.clone(), p)).collect())
    }
}

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.values())
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Parameter>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// What an action is called with: the members of a JSON object, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(IndexMap<String, Json>);

impl FromIterator<(String, Json)> for Arguments {
    fn from_iter<I: IntoIterator<Item = (String, Json)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Arguments {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// When `bytes` is not one JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// These arguments on top of an action's parameters.
    #[must_use]
    pub fn over(self, defaults: &Parameters) -> Self {
        if defaults.is_empty() {
            return self;
        }
        let mut merged: IndexMap<String, Json> =
            defaults.iter().map(|p| (p.key.clone(), p.value.clone())).collect();
        merged.extend(self.0);
        Self(merged)
    }

    /// These arguments with others on top.
    #[must_use]
    pub fn overlaid_with(mut self, over: Self) -> Self {
        self.0.extend(over.0);
        self
    }

    /// Takes the named arguments out; the others keep their order.
    pub fn split_off(&mut self, names: &[String]) -> Arguments {
        if names.is_empty() {
            return Self::default();
        }
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let all = std::mem::take(&mut self.0);
        let (taken, rest) = all.into_iter().partition(|(name, _)| names.contains(name.as_str()));
        self.0 = rest;
        Self(taken)
    }

    /// The value of one argument.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Parameters {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn lists_keep_order_and_the_last_of_a_repeated_key() {
        let p =
            list(r#"[{"key":"b","value":1},{"key":"a","value":null,"init":true},{"key":"b","value":[2]}]"#);
        assert_eq!(
            Json::of(&p).as_str(),
            r#"[{"key":"b","value":[2]},{"key":"a","value":null,"init":true}]"#
        );
    }

    #[test]
    fn a_list_needs_keys_and_to_be_an_array() {
        for bad in [r#"{"a":1}"#, r#"[{"value":1}]"#, r#"[{"key":"a"}]"#, "[1]", r#"[{"key":1,"value":2}]"#] {
            assert!(serde_json::from_str::<Parameters>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_go_over_parameters() {
        let defaults = list(r#"[{"key":"a","value":1},{"key":"b","value":2}]"#);
        let mut args =
            Arguments::parse(br#"{"b":3,"c":{"n":12345678901234567890123}}"#).unwrap().over(&defaults);
        assert_eq!(Json::of(&args).as_str(), r#"{"a":1,"b":3,"c":{"n":12345678901234567890123}}"#);
        let init = args.split_off(&["a".into(), "none".into()]);
        assert_eq!((Json::of(&init).as_str(), args.get("a")), (r#"{"a":1}"#, None));
    }

    #[test]
    fn very_many_are_taken_out_at_once() {
        let names: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        let mut parameters = Parameters::default();
        names.iter().for_each(|name| parameters.set(name, Json::of(&1)));
        let mut arguments = Arguments::default().over(&parameters);
        assert_eq!(arguments.split_off(&names[1..]).iter().count(), names.len() - 1);
        assert_eq!(Json::of(&arguments).as_str(), r#"{"0":1}"#);
        parameters.remove_all(&names[1..]);
        assert_eq!(Json::of(&parameters).as_str(), r#"[{"key":"0","value":1}]"#);
    }

    #[test]
    fn arguments_are_an_object() {
        for bad in ["[]", "1", "null", "\"x\"", ""] {
            assert!(Arguments::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
