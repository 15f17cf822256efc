//! What a PUT makes of a trigger: pure, from the body, the trigger that is there (if any) and the time.

use serde::Deserialize;
use whirl_model::{EntityName, EntityPath, Parameters, Timestamp, Trigger, Version};

use crate::api_error::ApiError;
use crate::body::fits;

/// Names the action that makes the trigger's events.
const FEED: &str = "feed";

/// The body of a PUT; every member may be missing or null, others are ignored. Rules are linked by their own
/// PUT.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Change {
    parameters: Option<Parameters>,
    annotations: Option<Parameters>,
    version: Option<Version>,
    publish: Option<bool>,
}

impl Change {
    /// Checks the sizes of its lists.
    pub(super) fn check(&self, limit: u64) -> Result<(), ApiError> {
        let size = |list: &Option<Parameters>| list.as_ref().map_or(0, Parameters::size);
        fits("parameters", size(&self.parameters), limit)?;
        fits("annotations", size(&self.annotations), limit)
    }

    /// The new trigger that this is. Only here is the feed looked at, and only whether it can be a name.
    pub(super) fn create(self, path: EntityPath, now: Timestamp) -> Result<Trigger, ApiError> {
        let annotations = self.annotations.unwrap_or_default();
        check_feed(&annotations)?;
        Ok(Trigger {
            path,
            version: self.version.unwrap_or_default(),
            publish: self.publish.unwrap_or_default(),
            parameters: self.parameters.unwrap_or_default(),
            annotations,
            rules: None,
            updated: now,
        })
    }

    /// What this makes of the trigger that is there. Its rules stay.
    pub(super) fn update(self, old: Trigger, now: Timestamp) -> Trigger {
        Trigger {
            path: old.path,
            version: self.version.unwrap_or_else(|| old.version.next_patch()),
            publish: self.publish.unwrap_or(old.publish),
            parameters: self.parameters.unwrap_or(old.parameters),
            annotations: self.annotations.unwrap_or(old.annotations),
            rules: old.rules,
            updated: now,
        }
    }
}

/// A feed is the path of an action, which need not exist.
fn check_feed(annotations: &Parameters) -> Result<(), ApiError> {
    let Some(feed) = annotations.get(FEED) else { return Ok(()) };
    let is_path = |text: String| {
        let mut segments = text.split('/').filter(|segment| !segment.is_empty()).peekable();
        segments.peek().is_some() && segments.all(|segment| segment.parse::<EntityName>().is_ok())
    };
    if feed.to_text().is_some_and(is_path) {
        Ok(())
    } else {
        Err(ApiError::malformed("The annotation 'feed' has to be the path of an action."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use whirl_model::{Json, RuleLink, RuleStatus};

    use super::*;

    const NOW: Timestamp = Timestamp(5);

    fn change(body: &serde_json::Value) -> Change {
        crate::body::parse(body.to_string().as_bytes()).unwrap()
    }

    fn created(body: &serde_json::Value) -> Result<Trigger, ApiError> {
        change(body).create("alice/tick".parse().unwrap(), NOW)
    }

    #[test]
    fn updates_replace_what_they_name_and_keep_the_rules() {
        let mut old = created(&json!({
            "parameters": [{"key": "p", "value": 1}], "annotations": [{"key": "a", "value": 1}],
            "rules": {"alice/r": {"action": {"path": "alice", "name": "x"}, "status": "active"}},
        }))
        .unwrap();
        assert_eq!((old.version, &old.rules, old.publish), (Version::FIRST, &None, false));
        let link = RuleLink { action: "alice/hello".parse().unwrap(), status: RuleStatus::Active };
        old.rules = Some([("alice/onTick".parse().unwrap(), link)].into());
        let body = json!({"annotations": [{"key": "b", "value": null}], "rules": {}, "publish": true});
        let new = change(&body).update(old.clone(), Timestamp(6));
        assert_eq!(Json::of(&new.annotations).as_str(), r#"[{"key":"b","value":null}]"#);
        assert_eq!((&new.parameters, &new.rules), (&old.parameters, &old.rules));
        assert_eq!(
            (new.version.to_string().as_str(), new.publish, new.updated),
            ("0.0.2", true, Timestamp(6))
        );
        assert_eq!(change(&json!({"version": "2"})).update(new, NOW).version.to_string(), "2.0.0");
    }

    #[test]
    fn a_new_triggers_feed_is_a_path() {
        let with_feed = |feed| created(&json!({"annotations": [{"key": "feed", "value": feed}]}));
        for good in ["/whisk.system/alarms/alarm", "/_/feed", "alarm", "a/b"] {
            assert!(with_feed(json!(good)).is_ok(), "{good}");
        }
        for bad in [json!(true), json!(null), json!(""), json!("/"), json!("/a/b!"), json!(["a"])] {
            assert!(with_feed(bad.clone()).is_err(), "{bad}");
        }
        let body = json!({"annotations": [{"key": "feed", "value": 7}]});
        let old = created(&json!({})).unwrap();
        assert!(change(&body).update(old, NOW).annotations.get("feed").is_some(), "on update nobody looks");
    }

    #[test]
    fn lists_have_bounds() {
        let body = json!({"parameters": [{"key": "k", "value": "1234567"}], "annotations": []});
        assert!(change(&body).check(10).is_ok() && change(&body).check(9).is_err());
        let body = json!({"annotations": [{"key": "k", "value": "1234567"}]});
        assert!(change(&body).check(9).is_err());
    }
}
