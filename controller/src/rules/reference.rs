//! How the body of a rule names its trigger and its action: `"/NAMESPACE/NAME"`, `"/NAMESPACE/PACKAGE/NAME"`,
//! or the same as `{"path", "name"}`; `_` is the namespace of the rule.

use serde::Deserialize;
use whirl_model::{ActionPath, EntityName, EntityPath, NameError, Namespace};

/// A name as it was sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a rule names its trigger and action by a string or by path and name")]
pub(super) enum Reference {
    /// In one.
    Whole(String),
    /// In two members.
    Parts {
        /// All but the last segment.
        path: String,
        /// The last one.
        name: EntityName,
    },
}

impl Reference {
    /// The action that is meant in a rule of this namespace.
    pub(super) fn action(&self, own: &Namespace) -> Result<ActionPath, NameError> {
        let path: ActionPath = self.text().parse()?;
        let namespace = if path.namespace.as_str() == "_" { own.clone() } else { path.namespace };
        Ok(ActionPath { namespace, ..path })
    }

    /// The trigger that is meant in a rule of this namespace.
    pub(super) fn trigger(&self, own: &Namespace) -> Result<EntityPath, NameError> {
        let ActionPath { namespace, package, name } = self.action(own)?;
        match package {
            None => Ok(EntityPath::new(namespace, name)),
            Some(_) => Err(NameError::NotFullyQualified(self.text())),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Parts { path, name } => format!("{path}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(reference: &Value) -> Option<Reference> {
        serde_json::from_value(reference.clone()).ok()
    }

    #[test]
    fn both_forms_mean_the_same() {
        let own: Namespace = "alice".parse().unwrap();
        for (reference, path) in [
            (json!("/_/x"), "alice/x"),
            (json!("_/util/x"), "alice/util/x"),
            (json!("/bob/util/a b"), "bob/util/a b"),
            (json!({"path": "_", "name": "x"}), "alice/x"),
            (json!({"path": "/bob/util", "name": "x", "other": 1}), "bob/util/x"),
        ] {
            let read = read(&reference).unwrap();
            assert_eq!(read.action(&own).unwrap().to_string(), path, "{reference}");
            let is_trigger = read.trigger(&own).is_ok();
            assert_eq!(is_trigger, path.split('/').count() == 2, "triggers are in no package: {reference}");
        }
    }

    #[test]
    fn anything_else_means_nothing() {
        let own: Namespace = "alice".parse().unwrap();
        for bad in [
            json!("x"),
            json!(""),
            json!("/a/b/c/d"),
            json!("/a/b!"),
            json!({"path": "a/b/c", "name": "d"}),
            json!({"path": "", "name": "d"}),
            json!({"path": "a", "name": "b/c"}),
            json!({"name": "d"}),
            json!(7),
        ] {
            assert!(read(&bad).is_none_or(|reference| reference.action(&own).is_err()), "{bad}");
        }
    }
}
