//! A stored record on its way to a client: only what changes on the way is read, the rest is passed through.
//! What works with records uses [`ActivationRecord`](crate::ActivationRecord).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Json, Outcome};

/// A record as stores keep it, borrowed from its text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredRecord<'a> {
    #[serde(borrow)]
    namespace: &'a RawValue,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    version: &'a RawValue,
    #[serde(borrow)]
    subject: &'a RawValue,
    #[serde(borrow)]
    activation_id: &'a RawValue,
    #[serde(borrow, default)]
    cause: Option<&'a RawValue>,
    #[serde(borrow)]
    start: &'a RawValue,
    #[serde(default)]
    end: Option<u64>,
    #[serde(borrow, default)]
    duration: Option<&'a RawValue>,
    #[serde(borrow)]
    response: StoredResponse<'a>,
    #[serde(borrow)]
    logs: &'a RawValue,
    #[serde(borrow)]
    annotations: &'a RawValue,
    #[serde(borrow)]
    publish: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredResponse<'a> {
    status_code: Outcome,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    size: Option<&'a RawValue>,
}

impl<'a> StoredRecord<'a> {
    /// The record of a text as stores keep it. An `end` of 0 counts as none, as some stores have it.
    ///
    /// # Errors
    /// When the text is no record.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut record: Self = serde_json::from_str(text)?;
        record.end = record.end.filter(|end| *end != 0);
        record.duration = record.duration.filter(|_| record.end.is_some());
        Ok(record)
    }

    /// What [`ActivationRecord::to_json`](crate::ActivationRecord::to_json) would give.
    #[must_use]
    pub fn to_json(&self) -> Json {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Whole<'a> {
            namespace: &'a RawValue,
            name: &'a RawValue,
            version: &'a RawValue,
            subject: &'a RawValue,
            activation_id: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            cause: Option<&'a RawValue>,
            start: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            end: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            duration: Option<&'a RawValue>,
            response: Response<'a>,
            logs: &'a RawValue,
            annotations: &'a RawValue,
            publish: &'a RawValue,
        }
        #[derive(Serialize)]
        struct Response<'a> {
            status: &'static str,
            success: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            result: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            size: Option<&'a RawValue>,
        }
        let outcome = self.response.status_code;
        Json::of(&Whole {
            namespace: self.namespace,
            name: self.name,
            version: self.version,
            subject: self.subject,
            activation_id: self.activation_id,
            cause: self.cause,
            start: self.start,
            end: self.end,
            duration: self.duration,
            response: Response {
                status: outcome.status(),
                success: outcome == Outcome::Success,
                result: self.response.result,
                size: self.response.size,
            },
            logs: self.logs,
            annotations: self.annotations,
            publish: self.publish,
        })
    }

    /// What [`ActivationRecord::to_summary`](crate::ActivationRecord::to_summary) would give.
    #[must_use]
    pub fn to_summary(&self) -> Json {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Summary<'a> {
            namespace: &'a RawValue,
            name: &'a RawValue,
            version: &'a RawValue,
            publish: &'a RawValue,
            annotations: &'a RawValue,
            activation_id: &'a RawValue,
            start: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            end: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            duration: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cause: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            status_code: Option<Outcome>,
        }
        Json::of(&Summary {
            namespace: self.namespace,
            name: self.name,
            version: self.version,
            publish: self.publish,
            annotations: self.annotations,
            activation_id: self.activation_id,
            start: self.start,
            end: self.end,
            duration: self.duration,
            cause: self.cause,
            status_code: self.end.map(|_| self.response.status_code),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActivationId, ActivationRecord, ActivationResponse, Timestamp, Version};

    #[test]
    fn clients_get_what_the_record_itself_would_give() {
        let ended = ActivationRecord {
            namespace: "alice".parse().unwrap(),
            name: "hello".parse().unwrap(),
            version: Version::FIRST,
            subject: "alice \"é\"".into(),
            activation_id: ActivationId::from_bits(7),
            cause: Some(ActivationId::from_bits(8)),
            start: Timestamp(1000),
            end: Some(Timestamp(1042)),
            duration: Some(42),
            response: ActivationResponse {
                outcome: Outcome::DeveloperError,
                result: Some(Json::parse(r#"{"n":123456789012345678901.50,"s":"<\u2028>"}"#).unwrap()),
                size: Some(3),
            },
            logs: vec!["t stdout: \"hi\"".into()],
            annotations: serde_json::from_str(r#"[{"key":"path","value":"bob/util/hello"}]"#).unwrap(),
            publish: false,
        };
        let fired = ActivationRecord { end: None, duration: None, cause: None, ..ended.clone() };
        let bare = ActivationResponse { outcome: Outcome::Success, result: None, size: None };
        for record in [ended.clone(), fired.clone(), ActivationRecord { response: bare, ..ended }] {
            let text = Json::of(&record);
            let stored = StoredRecord::parse(text.as_str()).unwrap();
            assert_eq!(stored.to_json(), record.to_json());
            assert_eq!(stored.to_summary(), record.to_summary());
        }
        let text = Json::of(&fired).as_str().replacen(
            "\"start\":1000",
            "\"start\":1000,\"end\":0,\"duration\":0",
            1,
        );
        assert_eq!(StoredRecord::parse(&text).unwrap().to_summary(), fired.to_summary());
        assert!(StoredRecord::parse("{}").is_err());
    }
}
