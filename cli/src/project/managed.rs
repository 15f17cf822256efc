//! Managed projects: each entity carries an annotation that tells which project it belongs to, so that what is
//! no longer in the manifest can be found and deleted.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use whirl_model::Json;

use crate::client::{KeyValue, value_of};

/// The annotation.
pub(crate) const ANNOTATION: &str = "whisk-managed";

/// The value of the annotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The project.
    #[serde(rename = "__OW_PROJECT_NAME")]
    pub(crate) project: String,
    /// Tells one state of the manifest from another.
    #[serde(rename = "__OW_PROJECT_HASH", default)]
    pub(crate) hash: String,
    /// The manifest.
    #[serde(rename = "__OW_FILE", default)]
    pub(crate) file: String,
}

impl Mark {
    /// The mark of a project with this manifest.
    pub(crate) fn new(project: &str, file: &str, manifest: &str) -> Self {
        let hash = Sha256::digest(manifest).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        });
        Self { project: project.to_owned(), hash, file: file.to_owned() }
    }

    /// As an annotation.
    pub(crate) fn annotation(&self) -> KeyValue {
        KeyValue::new(ANNOTATION, Json::of(self))
    }
}

/// The project that annotations name.
pub(crate) fn project_of(annotations: &[KeyValue]) -> Option<String> {
    let mark: Mark = serde_json::from_str(value_of(annotations, ANNOTATION)?.as_str()).ok()?;
    Some(mark.project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_project_and_manifest() {
        let mark = Mark::new("shop", "manifest.yaml", "packages: {}");
        let annotation = mark.annotation();
        assert!(
            annotation.value.as_str().starts_with(r#"{"__OW_PROJECT_NAME":"shop","__OW_PROJECT_HASH":""#)
        );
        assert_ne!(mark.hash, Mark::new("shop", "manifest.yaml", "packages: {a: {}}").hash);
        assert_eq!(project_of(&[annotation]).as_deref(), Some("shop"));
        assert_eq!(project_of(&[KeyValue::new(ANNOTATION, Json::of("mine"))]), None);
    }
}
