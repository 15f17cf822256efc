//! The rule entity: which action a trigger invokes. Whether it does now, the trigger's own document says.

use serde::{Deserialize, Serialize};

use crate::trigger::PathAndName;
use crate::{
    ActionPath, DocId, EntityName, EntityPath, Json, Namespace, Parameters, RuleStatus, Timestamp, Version,
};

/// A rule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where it lives.
    pub path: EntityPath,
    /// Its version, raised by every change.
    pub version: Version,
    /// Kept for clients.
    pub publish: bool,
    /// The trigger that it hangs on.
    pub trigger: EntityPath,
    /// The action that it invokes.
    pub action: ActionPath,
    /// Notes for users, clients and the platform.
    pub annotations: Parameters,
    /// When it was last written.
    pub updated: Timestamp,
}

impl Rule {
    /// The id of its document.
    #[must_use]
    pub fn doc_id(&self) -> DocId {
        DocId::from(&self.path)
    }

    /// The reply to GET, PUT and DELETE.
    #[must_use]
    pub fn to_json(&self, status: RuleStatus) -> Json {
        Json::of(&RuleJson::of(self, Some(status)))
    }

    /// The document that stores keep, which is also the entry in lists.
    #[must_use]
    pub fn to_document(&self) -> Json {
        Json::of(&RuleJson::of(self, None))
    }

    /// The rule of a stored document.
    ///
    /// # Errors
    /// When the document is not a rule's.
    pub fn from_document(body: &Json) -> Result<Self, serde_json::Error> {
        let read: RuleJson = serde_json::from_str(body.as_str())?;
        let trigger = read.trigger.read()?;
        Ok(Self {
            path: EntityPath::new(read.namespace, read.name),
            version: read.version,
            publish: read.publish,
            trigger: EntityPath::new(trigger.namespace, trigger.name),
            action: read.action.read()?,
            annotations: read.annotations,
            updated: read.updated,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct RuleJson {
    namespace: Namespace,
    name: EntityName,
    version: Version,
    publish: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<RuleStatus>,
    trigger: PathAndName,
    action: PathAndName,
    #[serde(default)]
    annotations: Parameters,
    #[serde(default)]
    updated: Timestamp,
}

impl RuleJson {
    fn of(rule: &Rule, status: Option<RuleStatus>) -> Self {
        let trigger =
            ActionPath::in_default_package(rule.trigger.namespace.clone(), rule.trigger.name.clone());
        Self {
            namespace: rule.path.namespace.clone(),
            name: rule.path.name.clone(),
            version: rule.version,
            publish: rule.publish,
            status,
            trigger: PathAndName::of(&trigger),
            action: PathAndName::of(&rule.action),
            annotations: rule.annotations.clone(),
            updated: rule.updated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_have_a_status_and_documents_have_none() {
        let rule = Rule {
            path: "alice/onTick".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            trigger: "alice/tick".parse().unwrap(),
            action: "alice/util/hello".parse().unwrap(),
            annotations: Parameters::default(),
            updated: Timestamp(7),
        };
        assert_eq!(
            rule.to_json(RuleStatus::Active).as_str(),
            r#"{"namespace":"alice","name":"onTick","version":"0.0.1","publish":false,"status":"active","trigger":{"path":"alice","name":"tick"},"action":{"path":"alice/util","name":"hello"},"annotations":[],"updated":7}"#
        );
        assert!(!rule.to_document().as_str().contains("status"));
        assert_eq!(Rule::from_document(&rule.to_document()).unwrap(), rule);
    }
}
