//! The shapes of a manifest. Members that the platform has no use for are known by name; others are told. A
//! member with nothing after its colon is not there.

use indexmap::IndexMap;
use serde::Deserialize;
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
    #[serde(alias = "parameters")]
    pub(super) inputs: Values,
    pub(super) annotations: Values,
    pub(super) dependencies: Values,
    pub(super) actions: Values,
    pub(super) sequences: Values,
    pub(super) triggers: Values,
    pub(super) rules: Values,
    pub(super) apis: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}

/// Another package under a name of this project.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DependencyPart {
    pub(super) location: String,
    #[serde(alias = "parameters")]
    pub(super) inputs: Values,
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
    #[serde(alias = "parameters")]
    pub(super) inputs: Values,
    pub(super) annotations: Values,
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
    pub(super) cpu: Option<Value>,
    pub(super) gpu: Option<Value>,
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
    #[serde(alias = "parameters")]
    pub(super) inputs: Values,
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
    pub(super) annotations: Values,
    #[serde(flatten)]
    pub(super) rest: Values,
}
