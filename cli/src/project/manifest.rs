//! The shapes of a manifest. Members that the platform has no use for are known by name; others are told.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Values by name.
pub(super) type Values = IndexMap<String, Value>;

/// Members that say nothing to the server.
const WITHOUT_EFFECT: [&str; 12] = [
    "version",
    "license",
    "name",
    "namespace",
    "credential",
    "apiHost",
    "apiVersion",
    "description",
    "outputs",
    "exposedUrl",
    "config",
    "bluemix",
];

/// The names of members that do nothing, though their writer may think otherwise.
pub(super) fn unknown(rest: &Values) -> impl Iterator<Item = &str> {
    rest.keys().map(String::as_str).filter(|key| !WITHOUT_EFFECT.contains(key))
}

/// A package with everything in it, each entity still as it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PackagePart {
    #[serde(alias = "publish")]
    pub(super) public: Option<bool>,
    #[serde(alias = "parameters", deserialize_with = "or_default")]
    pub(super) inputs: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) dependencies: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) actions: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) sequences: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) triggers: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) rules: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) apis: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// Another package under a name of this project.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DependencyPart {
    pub(super) location: String,
    #[serde(alias = "parameters", deserialize_with = "or_default")]
    pub(super) inputs: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// An action.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ActionPart {
    /// A file, a folder, or an `http(s)` address.
    pub(super) function: Option<String>,
    /// The code itself.
    pub(super) code: Option<String>,
    pub(super) runtime: Option<String>,
    pub(super) main: Option<String>,
    pub(super) docker: Option<String>,
    pub(super) native: bool,
    pub(super) conductor: bool,
    #[serde(alias = "web-export")]
    pub(super) web: Option<Value>,
    #[serde(alias = "parameters", deserialize_with = "or_default")]
    pub(super) inputs: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) limits: LimitsPart,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// Limits: numbers, or texts such as `256 MB`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LimitsPart {
    pub(super) timeout: Option<Value>,
    #[serde(rename = "memorySize", alias = "memory")]
    pub(super) memory: Option<Value>,
    #[serde(rename = "logSize", alias = "logs")]
    pub(super) logs: Option<Value>,
    #[serde(alias = "concurrentActivations")]
    pub(super) concurrency: Option<Value>,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// A sequence.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SequencePart {
    /// A list, or a text with commas.
    pub(super) actions: Value,
    #[serde(alias = "web-export")]
    pub(super) web: Option<Value>,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// A trigger.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TriggerPart {
    #[serde(alias = "source")]
    pub(super) feed: Option<String>,
    #[serde(alias = "parameters", deserialize_with = "or_default")]
    pub(super) inputs: Values,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// A rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RulePart {
    pub(super) trigger: String,
    pub(super) action: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// A member with nothing after its colon is as good as absent.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
