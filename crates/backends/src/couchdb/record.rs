//! Activation records as documents: OpenWhisk's layout. The id is `NAMESPACE/ACTIVATION`; a record without an
//! end has `end` 0, which older readers need.

use std::borrow::Cow;

use serde::Serialize;
use whirl_model::{ActivationId, ActivationRecord, Json, Namespace, Timestamp};

use super::failure::corrupt;
use super::storable::storable;
use crate::store::StoreError;

/// CouchDB refuses documents of more than 8,000,000 bytes unless it is told otherwise.
const LARGEST: usize = 7_500_000;
/// Stands at the end of logs that were cut.
const CUT: &str = "Logs were truncated because the record is larger than the store takes.";

pub(super) fn document_id(namespace: &Namespace, id: ActivationId) -> String {
    format!("{namespace}/{id}")
}

/// A record as its document has it.
#[derive(Serialize)]
struct Layout<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(flatten)]
    record: &'a ActivationRecord,
    /// For a record that has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
    #[serde(rename = "entityType")]
    entity_type: &'static str,
}

/// The text of a new document. Logs that make it larger than CouchDB takes are cut.
pub(super) fn encode(record: &ActivationRecord) -> Result<String, StoreError> {
    let text = to_text(record)?;
    if text.len() <= LARGEST {
        return Ok(text);
    }
    drop(text);
    let mut cut = record.with_logs(vec![CUT.to_owned()]);
    let mut room = LARGEST.saturating_sub(to_text(&cut)?.len());
    let fits = |line: &&String| {
        let size = Json::of(line).as_str().len() + 1;
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    };
    cut.logs = record.logs.iter().take_while(fits).cloned().collect();
    cut.logs.push(CUT.to_owned());
    to_text(&cut)
}

fn to_text(record: &ActivationRecord) -> Result<String, StoreError> {
    let id = document_id(&record.namespace, record.activation_id);
    let end = record.end.is_none().then_some(Timestamp(0));
    let layout = Layout { id: &id, record, end, entity_type: "activation" };
    let text = serde_json::to_string(&layout).map_err(|error| corrupt(&id, error))?;
    Ok(match storable(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => changed,
    })
}

/// The record of a document.
pub(super) fn decode(id: &str, document: &Json) -> Result<ActivationRecord, StoreError> {
    let mut record: ActivationRecord =
        serde_json::from_str(document.as_str()).map_err(|error| corrupt(id, error))?;
    record.end = record.end.filter(|end| *end != Timestamp(0));
    record.duration = record.duration.filter(|_| record.end.is_some());
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    fn record() -> ActivationRecord {
        contract::record(&contract::new_namespace(), "a", 5)
    }

    #[test]
    fn records_come_back() {
        for record in [record(), ActivationRecord { end: None, duration: None, ..record() }] {
            let text = encode(&record).unwrap();
            assert_eq!(decode("id", &Json::parse(&text).unwrap()).unwrap(), record);
            let end = Json::parse(&text).unwrap().member("end").unwrap();
            assert_eq!(end.as_str() == "0", record.end.is_none());
        }
    }

    #[test]
    fn a_result_that_couchdb_does_not_take_is_made_one_that_it_does() {
        let mut odd = record();
        odd.response.result = Some(Json::parse(r#"{"\ud83d":["\ude00",1e999,1.0]}"#).unwrap());
        let read = decode("id", &Json::parse(&encode(&odd).unwrap()).unwrap()).unwrap();
        let result = Json::parse(r#"{"\ufffd":["\ufffd",1.7976931348623157e308,1.0]}"#).unwrap();
        assert_eq!(read.response.result, Some(result));
        assert_eq!(ActivationRecord { response: odd.response.clone(), ..read }, odd);
    }

    #[test]
    fn logs_are_cut_where_couchdb_would_refuse_the_record() {
        let line = "\u{7}".repeat(1000);
        let long = ActivationRecord { logs: vec![line.clone(); 5000], ..record() };
        let text = encode(&long).unwrap();
        assert!(text.len() <= LARGEST && text.len() > LARGEST - 10_000, "{}", text.len());
        let read = decode("id", &Json::parse(&text).unwrap()).unwrap();
        let (last, rest) = read.logs.split_last().unwrap();
        assert_eq!(last, CUT);
        assert!(rest.iter().all(|one| *one == line));
        assert_eq!(ActivationRecord { logs: long.logs.clone(), ..read }, long);
    }
}
