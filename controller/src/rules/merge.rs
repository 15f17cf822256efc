//! What a PUT makes of a rule: pure, from the body, the rule that is there (if any) and the time.

use serde::Deserialize;
use whirl_model::{ActionPath, EntityPath, Namespace, Parameters, Rule, Timestamp, Version};

use super::reference::Reference;
use crate::api_error::ApiError;
use crate::body::fits;

/// The body of a PUT; every member may be missing or null, others are ignored, `status` among them.
#[derive(Debug, Deserialize)]
pub(super) struct PutBody {
    trigger: Option<Reference>,
    action: Option<Reference>,
    annotations: Option<Parameters>,
    version: Option<Version>,
    publish: Option<bool>,
}

/// A body whose parts are known to be allowed, each by itself.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The trigger that it names.
    pub(super) trigger: Option<EntityPath>,
    /// The action that it names.
    pub(super) action: Option<ActionPath>,
    annotations: Option<Parameters>,
    version: Option<Version>,
    publish: Option<bool>,
}

impl PutBody {
    /// Checks everything that can be checked without the rule that may be there. `own` is its namespace.
    pub(super) fn check(self, own: &Namespace, limit: u64) -> Result<Change, ApiError> {
        fits("annotations", self.annotations.as_ref().map_or(0, Parameters::size), limit)?;
        Ok(Change {
            trigger: self.trigger.map(|trigger| trigger.trigger(own)).transpose()?,
            action: self.action.map(|action| action.action(own)).transpose()?,
            annotations: self.annotations,
            version: self.version,
            publish: self.publish,
        })
    }
}

impl Change {
    /// The new rule that this is.
    pub(super) fn create(self, path: EntityPath, now: Timestamp) -> Result<Rule, ApiError> {
        let (Some(trigger), Some(action)) = (self.trigger, self.action) else {
            return Err(ApiError::malformed("A new rule needs a trigger and an action."));
        };
        Ok(Rule {
            path,
            version: self.version.unwrap_or_default(),
            publish: self.publish.unwrap_or_default(),
            trigger,
            action,
            annotations: self.annotations.unwrap_or_default(),
            updated: now,
        })
    }

    /// What this makes of the rule that is there.
    pub(super) fn update(self, old: Rule, now: Timestamp) -> Rule {
        Rule {
            path: old.path,
            version: self.version.unwrap_or_else(|| old.version.next_patch()),
            publish: self.publish.unwrap_or(old.publish),
            trigger: self.trigger.unwrap_or(old.trigger),
            action: self.action.unwrap_or(old.action),
            annotations: self.annotations.unwrap_or(old.annotations),
            updated: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use whirl_model::RuleStatus::Inactive;

    use super::*;

    fn change(body: &Value) -> Result<Change, ApiError> {
        let body: PutBody = crate::body::parse(body.to_string().as_bytes())?;
        body.check(&"alice".parse().unwrap(), 100)
    }

    fn created(body: &Value) -> Result<Rule, ApiError> {
        change(body)?.create("alice/onTick".parse().unwrap(), Timestamp(5))
    }

    #[test]
    fn a_new_rule_needs_both_ends() {
        let rule = created(&json!({"trigger": "/_/tick", "action": {"path": "_/util", "name": "hello"},
            "status": "inactive", "annotations": [{"key": "a", "value": 1}], "version": "1"}))
        .unwrap();
        assert_eq!(
            rule.to_json(Inactive).as_str(),
            r#"{"namespace":"alice","name":"onTick","version":"1.0.0","publish":false,"status":"inactive","trigger":{"path":"alice","name":"tick"},"action":{"path":"alice/util","name":"hello"},"annotations":[{"key":"a","value":1}],"updated":5}"#
        );
        for bad in [
            json!({}),
            json!({"trigger": "/_/tick"}),
            json!({"action": "/_/hello", "trigger": null}),
            json!({"trigger": "/_/util/tick", "action": "/_/hello"}),
            json!({"trigger": "tick", "action": "/_/hello"}),
            json!({"trigger": 1, "action": "/_/hello"}),
            json!({"trigger": "/_/tick", "action": "/_/hello", "annotations": {}}),
        ] {
            assert!(created(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn updates_keep_what_they_do_not_name() {
        let old = created(&json!({"trigger": "/_/tick", "action": "/_/hello",
            "annotations": [{"key": "a", "value": 1}], "publish": true}))
        .unwrap();
        let same = change(&json!({})).unwrap().update(old.clone(), Timestamp(6));
        let expected = Rule { version: old.version.next_patch(), updated: Timestamp(6), ..old.clone() };
        assert_eq!(same, expected);
        let body = json!({"action": "/bob/util/other", "annotations": [], "publish": false});
        let new = change(&body).unwrap().update(old.clone(), Timestamp(6));
        assert_eq!((new.action.to_string().as_str(), new.trigger), ("bob/util/other", old.trigger));
        assert!(new.annotations.is_empty() && !new.publish);
    }

    #[test]
    fn annotations_have_a_bound() {
        let long = json!({"annotations": [{"key": "k", "value": "x".repeat(98)}]});
        assert!(matches!(change(&long), Err(ApiError::TooLarge { bytes: Some(101), limit: 100, .. })));
    }
}
