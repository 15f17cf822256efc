//! The record of an activation, and its JSON forms: what clients get, what lists show, what stores keep.

use serde::{Deserialize, Serialize};

use crate::{
    ActionPath, ActivationId, Caller, EntityName, EntityPath, Json, Namespace, Parameters, Timestamp, Version,
};

/// How an activation ended. The number is the stored `statusCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Outcome {
    /// It ran and gave an object or array without a member `error`.
    Success = 0,
    /// It ran and gave an error, or a result that is too large.
    ApplicationError = 1,
    /// It could not be initialised, crashed, ran out of time or memory, or gave no JSON object or array.
    DeveloperError = 2,
    /// The platform failed.
    InternalError = 3,
}

impl Outcome {
    /// The words that clients see as `response.status`.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ApplicationError => "application error",
            Self::DeveloperError => "action developer error",
            Self::InternalError => "whisk internal error",
        }
    }
}

/// The number is no status code.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no status code of an activation")]
pub struct OutcomeError(u8);

impl TryFrom<u8> for Outcome {
    type Error = OutcomeError;
    fn try_from(code: u8) -> Result<Self, OutcomeError> {
        match code {
            0 => Ok(Self::Success),
            1 => Ok(Self::ApplicationError),
            2 => Ok(Self::DeveloperError),
            3 => Ok(Self::InternalError),
            _ => Err(OutcomeError(code)),
        }
    }
}

impl From<Outcome> for u8 {
    fn from(outcome: Outcome) -> u8 {
        outcome as u8
    }
}

/// What an activation answered. Serialised as stores keep it, with `statusCode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationResponse {
    /// How it ended.
    #[serde(rename = "statusCode")]
    pub outcome: Outcome,
    /// The result: an object or array; `{"error": …}` unless the outcome is success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Bytes of the result as the runtime sent it; absent if the platform made the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl ActivationResponse {
    /// A failure that the platform words itself.
    #[must_use]
    pub fn failure(outcome: Outcome, error: &str) -> Self {
        Self { outcome, result: Some(Json::error(error)), size: None }
    }

    /// The form clients get: `{"status", "success", "result", "size"}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::of(&ResponseJson::of(self))
    }
}

/// The record of one finished activation. Serialised as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivationRecord {
    /// The namespace that invoked; not the action's owner.
    pub namespace: Namespace,
    /// The entity's name, without its package.
    pub name: EntityName,
    /// The entity's version.
    pub version: Version,
    /// The subject that invoked.
    pub subject: String,
    /// The activation's id.
    pub activation_id: ActivationId,
    /// The activation that caused this one, if it is a step of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<ActivationId>,
    /// When it started.
    pub start: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// Milliseconds it took in the container, initialisation included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// What it answered.
    pub response: ActivationResponse,
    /// Log lines: a time stamp padded to 30 columns, a blank, the stream, a colon, a blank, the text.
    pub logs: Vec<String>,
    /// `path`, `kind`, `limits`, `timeout`, `waitTime`, `initTime` and others.
    pub annotations: Parameters,
    /// Always false; clients expect it.
    pub publish: bool,
}

/// Where an activation comes from, as its record tells.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// The activation.
    pub id: ActivationId,
    /// Its action.
    pub action: &'a ActionPath,
    /// The action's version.
    pub version: Version,
    /// Who invoked.
    pub caller: &'a Caller,
    /// The activation that it is a step of.
    pub cause: Option<ActivationId>,
    /// The binding through which the action was reached.
    pub binding: Option<&'a EntityPath>,
}

impl Provenance<'_> {
    /// A record without logs, of an activation that took no time. Behind the given annotations stand `causedBy` and
    /// `binding`.
    #[must_use]
    pub fn record(
        &self,
        now: Timestamp,
        response: ActivationResponse,
        mut annotations: Parameters,
    ) -> ActivationRecord {
        if self.cause.is_some() {
            annotations.set("causedBy", Json::of("sequence"));
        }
        if let Some(binding) = self.binding {
            annotations.set("binding", Json::of(binding));
        }
        ActivationRecord {
            namespace: self.caller.namespace.clone(),
            name: self.action.name.clone(),
            version: self.version,
            subject: self.caller.subject.clone(),
            activation_id: self.id,
            cause: self.cause,
            start: now,
            end: Some(now),
            duration: Some(0),
            response,
            logs: Vec::new(),
            annotations,
            publish: false,
        }
    }
}

impl ActivationRecord {
    /// The same record with these logs; its own are not copied.
    #[must_use]
    pub fn with_logs(&self, logs: Vec<String>) -> Self {
        Self {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            version: self.version,
            subject: self.subject.clone(),
            activation_id: self.activation_id,
            cause: self.cause,
            start: self.start,
            end: self.end,
            duration: self.duration,
            response: self.response.clone(),
            logs,
            annotations: self.annotations.clone(),
            publish: self.publish,
        }
    }

    /// The record as clients get it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::of(&RecordJson {
            namespace: &self.namespace,
            name: &self.name,
            version: self.version,
            subject: &self.subject,
            activation_id: self.activation_id,
            cause: self.cause,
            start: self.start,
            end: self.end,
            duration: self.duration,
            response: ResponseJson::of(&self.response),
            logs: &self.logs,
            annotations: &self.annotations,
            publish: self.publish,
        })
    }

    /// The entry in lists.
    #[must_use]
    pub fn to_summary(&self) -> Json {
        Json::of(&SummaryJson {
            namespace: &self.namespace,
            name: &self.name,
            version: self.version,
            publish: self.publish,
            annotations: &self.annotations,
            activation_id: self.activation_id,
            start: self.start,
            end: self.end,
            duration: self.duration,
            cause: self.cause,
            status_code: self.end.map(|_| self.response.outcome),
        })
    }

    /// The name that the list filter `name` compares: `NAME`, or `PACKAGE/NAME` where the package is that of
    /// the `binding` annotation, else that of a `path` of three segments.
    #[must_use]
    pub fn filter_name(&self) -> String {
        let text = |key| self.annotations.get(key).and_then(Json::to_text);
        let bound = text("binding").and_then(|b| b.split('/').nth(1).map(str::to_owned));
        let owned = || {
            let path = text("path")?;
            let segments: Vec<&str> = path.split('/').collect();
            (segments.len() == 3).then(|| segments[1].to_owned())
        };
        match bound.or_else(owned) {
            Some(package) => format!("{package}/{}", self.name),
            None => self.name.to_string(),
        }
    }
}

#[derive(Serialize)]
struct ResponseJson<'a> {
    status: &'static str,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

impl<'a> ResponseJson<'a> {
    fn of(response: &'a ActivationResponse) -> Self {
        Self {
            status: response.outcome.status(),
            success: response.outcome == Outcome::Success,
            result: response.result.as_ref(),
            size: response.size,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson<'a> {
    namespace: &'a Namespace,
    name: &'a EntityName,
    version: Version,
    subject: &'a str,
    activation_id: ActivationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<ActivationId>,
    start: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    response: ResponseJson<'a>,
    logs: &'a [String],
    annotations: &'a Parameters,
    publish: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryJson<'a> {
    namespace: &'a Namespace,
    name: &'a EntityName,
    version: Version,
    publish: bool,
    annotations: &'a Parameters,
    activation_id: ActivationId,
    start: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<ActivationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<Outcome>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ActivationRecord {
        ActivationRecord {
            namespace: "alice".parse().unwrap(),
            name: "hello".parse().unwrap(),
            version: Version::FIRST,
            subject: "alice-01".into(),
            activation_id: ActivationId::from_bits(7),
            cause: None,
            start: Timestamp(1000),
            end: Some(Timestamp(1042)),
            duration: Some(42),
            response: ActivationResponse {
                outcome: Outcome::DeveloperError,
                result: Some(Json::error("x")),
                size: None,
            },
            logs: vec!["t stdout: hi".into()],
            annotations: serde_json::from_str(r#"[{"key":"path","value":"bob/util/hello"}]"#).unwrap(),
            publish: false,
        }
    }

    #[test]
    fn clients_get_words_and_stores_get_numbers() {
        let client = record().to_json();
        assert!(client.as_str().contains(
            r#""response":{"status":"action developer error","success":false,"result":{"error":"x"}},"logs":["t stdout: hi"]"#
        ));
        assert!(!client.as_str().contains("statusCode"));
        let stored = Json::of(&record());
        assert!(stored.as_str().contains(r#""response":{"statusCode":2,"#));
        assert_eq!(serde_json::from_str::<ActivationRecord>(stored.as_str()).unwrap(), record());
    }

    #[test]
    fn summaries_carry_the_status_code_of_finished_activations() {
        assert!(record().to_summary().as_str().ends_with(r#""duration":42,"statusCode":2}"#));
        let trigger = ActivationRecord { end: None, duration: None, ..record() };
        assert!(!trigger.to_summary().as_str().contains("statusCode"));
    }

    #[test]
    fn the_filter_name_prefers_the_binding() {
        let mut record = record();
        assert_eq!(record.filter_name(), "util/hello");
        record.annotations.set("binding", Json::of("alice/bound"));
        assert_eq!(record.filter_name(), "bound/hello");
        record.annotations = Parameters::default();
        assert_eq!(record.filter_name(), "hello");
    }
}
