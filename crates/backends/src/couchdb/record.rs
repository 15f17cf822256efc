//! Activation records as documents: OpenWhisk's layout. The id is `NAMESPACE/ACTIVATION`; a record without an
//! end has `end` 0, which older readers need.

use indexmap::IndexMap;
use whirl_model::{ActivationId, ActivationRecord, Json, Namespace, Timestamp};

use super::failure::corrupt;
use crate::store::StoreError;

/// CouchDB refuses documents of more than 8,000,000 bytes unless it is told otherwise.
const LARGEST: usize = 7_500_000;
/// Stands at the end of logs that were cut.
const CUT: &str = "Logs were truncated because the record is larger than the store takes.";

pub(super) fn document_id(namespace: &Namespace, id: ActivationId) -> String {
    format!("{namespace}/{id}")
}

/// The text of a new document. Logs that make it larger than CouchDB takes are cut.
pub(super) fn encode(record: &ActivationRecord) -> Result<String, StoreError> {
    let text = to_text(record)?;
    if text.len() <= LARGEST {
        return Ok(text);
    }
    let without_logs = ActivationRecord { logs: vec![CUT.to_owned()], ..record.clone() };
    let mut room = LARGEST.saturating_sub(to_text(&without_logs)?.len());
    let fits = |line: &&String| {
        let size = Json::of(line).as_str().len() + 1;
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    };
    let mut logs: Vec<String> = record.logs.iter().take_while(fits).cloned().collect();
    logs.push(CUT.to_owned());
    to_text(&ActivationRecord { logs, ..without_logs })
}

fn to_text(record: &ActivationRecord) -> Result<String, StoreError> {
    let id = document_id(&record.namespace, record.activation_id);
    let members = || -> Result<_, serde_json::Error> {
        let mut document = IndexMap::from([("_id".to_owned(), Json::of(&id))]);
        document.extend(serde_json::from_str::<IndexMap<String, Json>>(Json::of(record).as_str())?);
        document.entry("end".to_owned()).or_insert_with(|| Json::of(&0));
        document.insert("entityType".to_owned(), Json::of("activation"));
        serde_json::to_string(&document)
    };
    members().map_err(|error| corrupt(&id, error))
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
