//! The trigger entity with the rules that hang on it, and its JSON forms.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{ActionPath, DocId, EntityName, EntityPath, Json, Namespace, Parameters, Timestamp, Version};

/// A trigger as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Where it lives.
    pub path: EntityPath,
    /// Its version, raised by every change.
    pub version: Version,
    /// Kept for clients.
    pub publish: bool,
    /// What the actions of its rules get under the payload of a fire.
    pub parameters: Parameters,
    /// Notes for users, clients and the platform.
    pub annotations: Parameters,
    /// Its rules in the order in which they were linked; `None` until the first one ever was.
    pub rules: Option<IndexMap<EntityPath, RuleLink>>,
    /// When it was last written.
    pub updated: Timestamp,
}

/// What a trigger knows of one of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLink {
    /// What the rule invokes.
    pub action: ActionPath,
    /// Whether it does now.
    pub status: RuleStatus,
}

/// Whether a rule invokes its action when its trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleStatus {
    /// It does.
    Active,
    /// It does not.
    Inactive,
}

impl Trigger {
    /// The id of its document.
    #[must_use]
    pub fn doc_id(&self) -> DocId {
        DocId::from(&self.path)
    }

    /// The reply to GET and PUT, and the document that stores keep.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::of(&TriggerJson {
            namespace: self.path.namespace.clone(),
            name: self.path.name.clone(),
            version: self.version,
            publish: self.publish,
            annotations: self.annotations.clone(),
            parameters: self.parameters.clone(),
            limits: NoLimits {},
            rules: self
                .rules
                .as_ref()
                .map(|rules| rules.iter().map(|(path, link)| (path.clone(), LinkJson::of(link))).collect()),
            updated: self.updated,
        })
    }

    /// The entry in lists.
    #[must_use]
    pub fn to_summary(&self) -> Json {
        #[derive(Serialize)]
        struct Summary<'a> {
            namespace: &'a Namespace,
            name: &'a EntityName,
            version: Version,
            publish: bool,
            annotations: &'a Parameters,
            updated: Timestamp,
        }
        Json::of(&Summary {
            namespace: &self.path.namespace,
            name: &self.path.name,
            version: self.version,
            publish: self.publish,
            annotations: &self.annotations,
            updated: self.updated,
        })
    }

    /// The trigger of a stored document.
    ///
    /// # Errors
    /// When the document is not a trigger's.
    pub fn from_document(body: &Json) -> Result<Self, serde_json::Error> {
        let read: TriggerJson = serde_json::from_str(body.as_str())?;
        let link = |(path, link): (EntityPath, LinkJson)| Ok((path, link.read()?));
        Ok(Self {
            path: EntityPath::new(read.namespace, read.name),
            version: read.version,
            publish: read.publish,
            parameters: read.parameters,
            annotations: read.annotations,
            rules: read
                .rules
                .map(|rules| rules.into_iter().map(link).collect::<Result<_, serde_json::Error>>())
                .transpose()?,
            updated: read.updated,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct TriggerJson {
    namespace: Namespace,
    name: EntityName,
    version: Version,
    publish: bool,
    #[serde(default)]
    annotations: Parameters,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default)]
    limits: NoLimits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<IndexMap<EntityPath, LinkJson>>,
    #[serde(default)]
    updated: Timestamp,
}

/// `{}`
#[derive(Default, Serialize, Deserialize)]
struct NoLimits {}

#[derive(Serialize, Deserialize)]
struct LinkJson {
    action: PathAndName,
    status: RuleStatus,
}

/// A path in two members, as triggers and rules have it.
#[derive(Serialize, Deserialize)]
pub(crate) struct PathAndName {
    path: String,
    name: EntityName,
}

impl PathAndName {
    pub(crate) fn of(action: &ActionPath) -> Self {
        Self { path: action.parent(), name: action.name.clone() }
    }

    pub(crate) fn read(self) -> Result<ActionPath, serde_json::Error> {
        ActionPath::from_parent(&self.path, self.name).map_err(serde::de::Error::custom)
    }
}

impl LinkJson {
    fn of(link: &RuleLink) -> Self {
        Self { action: PathAndName::of(&link.action), status: link.status }
    }

    fn read(self) -> Result<RuleLink, serde_json::Error> {
        Ok(RuleLink { action: self.action.read()?, status: self.status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_shows_its_rules_once_it_had_one_and_reads_back() {
        let mut tick = Trigger {
            path: "alice/tick".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            parameters: Parameters::default(),
            annotations: Parameters::default(),
            rules: None,
            updated: Timestamp(7),
        };
        assert_eq!(
            tick.to_json().as_str(),
            r#"{"namespace":"alice","name":"tick","version":"0.0.1","publish":false,"annotations":[],"parameters":[],"limits":{},"updated":7}"#
        );
        assert_eq!(Trigger::from_document(&tick.to_json()).unwrap(), tick);
        let link = RuleLink { action: "alice/util/hello".parse().unwrap(), status: RuleStatus::Active };
        tick.rules = Some([("alice/onTick".parse().unwrap(), link)].into());
        let json = tick.to_json();
        let rules =
            r#""rules":{"alice/onTick":{"action":{"path":"alice/util","name":"hello"},"status":"active"}}"#;
        assert!(json.as_str().contains(rules), "{}", json.as_str());
        assert_eq!(Trigger::from_document(&json).unwrap(), tick);
    }
}
