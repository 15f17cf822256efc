//! The body on a topic `completedN`. Three shapes, told apart as OpenWhisk does: with `response` and `instance`
//! it brings result and end, with `instance` alone the end, else the result.
//!
//! Whirl's own members are `v`, `invoker`, `epoch`, `report`, and `activationId` in every shape.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Transaction, VERSION, Wire, WireError, first_version, read, write};
use crate::{
    Acknowledgement, ActivationId, ActivationRecord, ByteSize, Epoch, InvokerId, Json, Timestamp,
    TransactionId,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    v: u32,
    /// An acknowledgement does not know when the request arrived: zero.
    transid: Transaction,
    activation_id: ActivationId,
    /// The record, or the id alone where neither it nor the end is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
    is_system_error: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<Instance>,
    invoker: InvokerId,
    epoch: Epoch,
    report: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Response<'a> {
    Record(&'a ActivationRecord),
    Id(ActivationId),
}

/// Who ran it. An acknowledgement does not know the invoker's memory: zero.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    instance: InvokerId,
    user_memory: ByteSize,
    instance_type: &'static str,
    tags: [&'static str; 0],
    dedicated_namespaces: [&'static str; 0],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    #[serde(default = "first_version")]
    v: u32,
    transid: Transaction,
    activation_id: ActivationId,
    response: Option<Json>,
    #[serde(default)]
    is_system_error: bool,
    instance: Option<Json>,
    invoker: InvokerId,
    #[serde(default)]
    epoch: Epoch,
    #[serde(default)]
    report: u64,
}

impl Wire for Acknowledgement {
    fn to_wire(&self) -> Vec<u8> {
        let response = match (&self.record, self.completed) {
            (Some(record), _) => Some(Response::Record(record)),
            (None, false) => Some(Response::Id(self.activation_id)),
            (None, true) => None,
        };
        let instance = self.completed.then_some(Instance {
            instance: self.invoker,
            user_memory: ByteSize::default(),
            instance_type: "invoker",
            tags: [],
            dedicated_namespaces: [],
        });
        write(&Body {
            v: VERSION,
            transid: Transaction(TransactionId::clone(&self.transaction), Timestamp(0)),
            activation_id: self.activation_id,
            response,
            is_system_error: self.internal_error,
            instance,
            invoker: self.invoker,
            epoch: self.epoch,
            report: self.report,
        })
    }

    fn from_wire(body: &[u8]) -> Result<Self, WireError> {
        let body: Read = read(body, |body: &Read| body.v)?;
        let of_record = body.response.filter(|response| response.to_text().is_none());
        let record = of_record.map(|text| serde_json::from_str(text.as_str())).transpose()?;
        Ok(Self {
            activation_id: body.activation_id,
            transaction: body.transid.0,
            invoker: body.invoker,
            epoch: body.epoch,
            report: body.report,
            record: record.map(Arc::new),
            completed: body.instance.is_some(),
            internal_error: body.is_system_error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActivationResponse, Outcome, Parameters, Version};

    fn record() -> Arc<ActivationRecord> {
        Arc::new(ActivationRecord {
            namespace: "alice".parse().unwrap(),
            name: "hello".parse().unwrap(),
            version: Version::FIRST,
            subject: "alice".to_owned(),
            activation_id: ActivationId::from_bits(10),
            cause: None,
            start: Timestamp(1000),
            end: Some(Timestamp(1042)),
            duration: Some(42),
            response: ActivationResponse {
                outcome: Outcome::Success,
                result: Some(
                    Json::parse(r#"{"z":123456789012345678901234567890,"a":1.0,"s":"\u2028<"}"#).unwrap(),
                ),
                size: Some(9),
            },
            logs: Vec::new(),
            annotations: Parameters::default(),
            publish: false,
        })
    }

    fn acknowledgement(record: Option<Arc<ActivationRecord>>, completed: bool) -> Acknowledgement {
        Acknowledgement {
            activation_id: ActivationId::from_bits(10),
            transaction: TransactionId::from_client("tid").unwrap(),
            invoker: InvokerId(3),
            epoch: Epoch(7),
            report: 5,
            record,
            completed,
            internal_error: false,
        }
    }

    #[test]
    fn the_keys_tell_the_shapes_apart_and_all_come_back() {
        let end = r#""instance":{"instance":3,"userMemory":"0 B","instanceType":"invoker","tags":[],"dedicatedNamespaces":[]}"#;
        let result = concat!(
            r#""response":{"namespace":"alice","name":"hello","version":"0.0.1","subject":"alice","#,
            r#""activationId":"0000000000000000000000000000000a","start":1000,"end":1042,"duration":42,"#,
            r#""response":{"statusCode":0,"result":{"z":123456789012345678901234567890,"a":1.0,"s":"\u2028<"},"size":9},"#,
            r#""logs":[],"annotations":[],"publish":false}"#,
        );
        let id = r#""response":"0000000000000000000000000000000a""#;
        for (record, completed, has, has_not) in [
            (Some(record()), true, [result, end], ""),
            (None, true, [end, r#""isSystemError":false"#], "\"response\""),
            (Some(record()), false, [result, r#""invoker":3"#], "\"instance\""),
            (None, false, [id, r#""epoch":7,"report":5"#], "\"instance\""),
        ] {
            let acknowledgement = acknowledgement(record, completed);
            let body = String::from_utf8(acknowledgement.to_wire()).unwrap();
            assert!(body.starts_with(r#"{"v":1,"transid":["tid",0],"activationId":"#), "{body}");
            assert!(has.iter().all(|part| body.contains(part)), "{body}");
            assert!(has_not.is_empty() || !body.contains(has_not), "{body}");
            assert_eq!(Acknowledgement::from_wire(body.as_bytes()).unwrap(), acknowledgement);
        }
        let failed = Acknowledgement { internal_error: true, ..acknowledgement(None, true) };
        assert_eq!(Acknowledgement::from_wire(&failed.to_wire()).unwrap(), failed);
    }

    #[test]
    fn a_later_version_is_refused() {
        let body = String::from_utf8(acknowledgement(None, true).to_wire()).unwrap();
        let later = Acknowledgement::from_wire(body.replace(r#""v":1"#, r#""v":9"#).as_bytes());
        assert!(matches!(later, Err(WireError::Version(9))), "{later:?}");
        let broken = Acknowledgement::from_wire(&body.as_bytes()[1..]);
        assert!(matches!(broken, Err(WireError::Malformed(_))), "{broken:?}");
    }
}
