//! The pure parts of a fire: what the actions get, and what the trigger's record says of them.

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, PROXY_AUTHORIZATION};
use serde::Serialize;
use serde_json::Value;
use whirl_model::{
    ActionPath, ActivationId, ActivationRecord, ActivationResponse, Arguments, EntityPath, Json, Outcome,
    Parameters, RuleStatus, Trigger,
};

use crate::api_error::ApiError;
use crate::identity::Identity;
use crate::transaction::Transaction;

/// The argument that holds the headers of the fire.
const HEADERS: &str = "__ow_headers";
/// What actions are not told: the caller's secrets, and a word to the platform.
const WITHHELD: [HeaderName; 4] =
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HeaderName::from_static("x-ow-extra-logging")];

/// What every action gets: the trigger's parameters, over them the request's headers, over them the payload.
pub(super) fn arguments(trigger: &Trigger, headers: &HeaderMap, payload: Arguments) -> Arguments {
    let mut defaults: Parameters = trigger.parameters.clone();
    defaults.set(HEADERS, handed_on(headers));
    payload.over(&defaults)
}

/// The activation that a rule's action is started as: the same one whenever the same fire is begun again.
pub(super) fn started_id(fire: ActivationId, rule: &EntityPath) -> ActivationId {
    let mut hash = blake3::Hasher::new();
    hash.update(&fire.bits().to_be_bytes()).update(rule.to_string().as_bytes());
    let mut bits = [0; 16];
    hash.finalize_xof().fill(&mut bits);
    ActivationId::from_bits(u128::from_be_bytes(bits))
}

/// Headers as an object, names in lower case; the values of a repeated one are joined as HTTP allows.
fn handed_on(headers: &HeaderMap) -> Json {
    let mut members = serde_json::Map::new();
    for (name, value) in headers.iter().filter(|(name, _)| !WITHHELD.contains(name)) {
        let value = String::from_utf8_lossy(value.as_bytes());
        match members.get_mut(name.as_str()) {
            Some(Value::String(values)) => *values += &format!(", {value}"),
            _ => drop(members.insert(name.as_str().to_owned(), value.into())),
        }
    }
    Json::of(&members)
}

/// Whether a fire of this trigger starts anything: not without an active rule.
pub(super) fn starts_something(trigger: &Trigger) -> bool {
    trigger.rules.iter().flatten().any(|(_, link)| link.status == RuleStatus::Active)
}

/// What became of one rule.
#[derive(Debug)]
pub(super) enum Effect {
    /// Its action was started.
    Started(ActivationId),
    /// It is switched off.
    Inactive,
    /// Its action could not be started.
    Refused(ApiError),
}

impl Effect {
    /// The line of the trigger's log: JSON. Status codes are 0 for a start, 3 where the platform failed and 1
    /// for any other refusal.
    pub(super) fn log(&self, rule: &EntityPath, action: &ActionPath) -> String {
        let (status_code, activation_id, error) = match self {
            Self::Started(id) => (0, Some(*id), None),
            Self::Inactive => {
                let why = format!("Rule '{rule}' is inactive, action '{action}' was not activated.");
                (1, None, Some(why))
            }
            Self::Refused(error) => {
                (if error.is_the_platforms() { 3 } else { 1 }, None, Some(error.to_string()))
            }
        };
        let line = Line { status_code, success: error.is_none(), activation_id, error, rule, action };
        Json::of(&line).as_str().to_owned()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    status_code: u8,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    activation_id: Option<ActivationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    rule: &'a EntityPath,
    action: &'a ActionPath,
}

/// A fire that starts something: what its record tells.
pub(super) struct Fired {
    /// The id of the trigger's own activation.
    pub(super) id: ActivationId,
    /// By whom.
    pub(super) identity: Identity,
    /// By which request.
    pub(super) transaction: Transaction,
    /// What was posted.
    pub(super) payload: Json,
}

impl Fired {
    /// The record of the fire. It has no end, as a fire takes no time.
    pub(super) fn record(&self, trigger: &Trigger, logs: Vec<String>) -> ActivationRecord {
        let caller = &self.identity.caller;
        ActivationRecord {
            namespace: caller.namespace.clone(),
            name: trigger.path.name.clone(),
            version: trigger.version,
            subject: caller.subject.clone(),
            activation_id: self.id,
            cause: None,
            start: self.transaction.arrived,
            end: None,
            duration: None,
            response: ActivationResponse {
                outcome: Outcome::Success,
                result: Some(self.payload.clone()),
                size: None,
            },
            logs,
            annotations: Parameters::default(),
            publish: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use whirl_model::{Timestamp, Version};

    use super::*;

    fn tick(parameters: &str) -> Trigger {
        Trigger {
            path: "alice/tick".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            parameters: serde_json::from_str(parameters).unwrap(),
            annotations: Parameters::default(),
            rules: None,
            updated: Timestamp(1),
        }
    }

    #[test]
    fn a_fire_that_is_begun_again_starts_the_same_activations() {
        let [on, off]: [EntityPath; 2] = ["alice/on", "alice/off"].map(|path| path.parse().unwrap());
        let [one, two] = [1, 2].map(ActivationId::from_bits);
        assert_eq!(started_id(one, &on), started_id(one, &on));
        assert_ne!(started_id(one, &on), started_id(one, &off));
        assert_ne!(started_id(one, &on), started_id(two, &on));
    }

    #[test]
    fn the_payload_goes_over_the_headers_and_these_over_the_parameters() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Basic x"),
            ("cookie", "a=b"),
            ("proxy-authorization", "Basic y"),
            ("x-ow-extra-logging", "on"),
            ("x-mine", "1"),
            ("x-mine", "2"),
        ] {
            headers.append(name.parse().unwrap(), HeaderValue::from_static(value));
        }
        let trigger =
            tick(r#"[{"key":"__ow_headers","value":0},{"key":"a","value":1},{"key":"b","value":2}]"#);
        let merged = |payload: &[u8]| arguments(&trigger, &headers, Arguments::parse(payload).unwrap());
        assert_eq!(
            Json::of(&merged(br#"{"b":1.0,"c":3}"#)).as_str(),
            r#"{"__ow_headers":{"x-mine":"1, 2"},"a":1,"b":1.0,"c":3}"#
        );
        let own = merged(br#"{"__ow_headers":null}"#);
        assert!(own.get("__ow_headers").unwrap().is_null(), "who posts headers is believed");
    }

    #[test]
    fn lines_tell_what_became_of_each_rule() {
        let (rule, action) = ("alice/onTick".parse().unwrap(), "alice/util/hello".parse().unwrap());
        let line = |effect: Effect| effect.log(&rule, &action);
        let names = r#""rule":"alice/onTick","action":"alice/util/hello"}"#;
        let id = ActivationId::from_bits(7);
        assert_eq!(
            line(Effect::Started(id)),
            format!(r#"{{"statusCode":0,"success":true,"activationId":"{id}",{names}"#)
        );
        let inactive = "Rule 'alice/onTick' is inactive, action 'alice/util/hello' was not activated.";
        for (effect, code, error) in [
            (Effect::Inactive, 1, inactive),
            (Effect::Refused(ApiError::Missing), 1, "The requested resource does not exist."),
            (Effect::Refused(ApiError::NoInvoker), 3, "There is no healthy invoker."),
        ] {
            let expected = format!(r#"{{"statusCode":{code},"success":false,"error":"{error}",{names}"#);
            assert_eq!(line(effect), expected);
        }
    }
}
