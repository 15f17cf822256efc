//! Shapes that all entities share: key/value pairs, list pages, list rows.

use serde::{Deserialize, Serialize};
use whirl_model::Json;

/// One parameter or annotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    /// The key; unique within its array, the last one wins.
    pub key: String,
    /// Any JSON value, kept to the letter.
    pub value: Json,
    /// Whether the value goes to the initialisation of the runtime instead of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// How the value is stored encrypted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Json>,
}

impl KeyValue {
    /// A plain pair.
    pub fn new(key: impl Into<String>, value: Json) -> Self {
        Self { key: key.into(), value, init: None, encryption: None }
    }
}

/// The value of a key; the last one if it is repeated.
#[must_use]
pub fn value_of<'a>(pairs: &'a [KeyValue], key: &str) -> Option<&'a Json> {
    pairs.iter().rev().find(|pair| pair.key == key).map(|pair| &pair.value)
}

/// Which part of a list to ask for. The server judges the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most that many entries, up to 200; 0 means 200.
    pub limit: i64,
    /// How many entries to pass over.
    pub skip: i64,
}

impl Page {
    /// The longest list that one request gives.
    pub const ALL: Self = Self { limit: 0, skip: 0 };
}

/// One row of a list of actions, packages, triggers or rules.
#[derive(Clone, Debug, Deserialize)]
pub struct EntitySummary {
    /// `NS`, or `NS/PACKAGE` for a packaged action.
    pub namespace: String,
    /// The last segment of the name.
    pub name: String,
    /// Whether the package is shared.
    #[serde(default)]
    pub publish: bool,
    /// The annotations.
    #[serde(default)]
    pub annotations: Vec<KeyValue>,
}

impl EntitySummary {
    /// `/NS/NAME` or `/NS/PACKAGE/NAME`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/{}", self.namespace, self.name)
    }
}
