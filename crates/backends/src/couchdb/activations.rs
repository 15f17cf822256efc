//! Activation records: written once and many at a time, listed from the views.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use couch_rs::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use whirl_model::{ActivationId, ActivationRecord, Json, Namespace, StoredRecord, Timestamp};

use super::CouchdbStore;
use super::database::Call;
use super::design::{ACTIVATIONS, ACTIVATIONS_BY_NAME, View};
use super::failure::{Failure, corrupt};
use super::record;
use super::rows::{Documents, Range, Row, Slice};
use crate::store::{ActivationQuery, ActivationStore, RecordForm, StoreError};

const READ: &str = "read a record";
const LIST: &str = "list records";
const LOOK_UP: &str = "look records up";

/// A request carries at most so many records, and no further one beyond so many bytes.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 4 << 20;
const IDS_PER_REQUEST: usize = 1000;

#[async_trait]
impl ActivationStore for CouchdbStore {
    async fn put_all(&self, records: &[Arc<ActivationRecord>]) -> Result<(), StoreError> {
        let mut documents = Vec::with_capacity(records.len());
        for record in records {
            documents.push(record::encode(record)?);
        }
        for batch in batches(documents) {
            self.write(batch).await.map_err(Failure::of_records)?;
        }
        Ok(())
    }

    async fn get(&self, namespace: &Namespace, id: ActivationId) -> Result<ActivationRecord, StoreError> {
        let id = record::document_id(namespace, id);
        let found = self.activations.get(&id).await.map_err(|failure| failure.during(READ))?;
        let Some(document) = found else { return Err(StoreError::NotFound(id)) };
        record::decode(&id, &document)
    }

    async fn existing(&self, ids: &[(Namespace, ActivationId)]) -> Result<Vec<ActivationId>, StoreError> {
        let mut existing = Vec::new();
        for ids in ids.chunks(IDS_PER_REQUEST) {
            let keys: Vec<String> =
                ids.iter().map(|(namespace, id)| record::document_id(namespace, *id)).collect();
            let found = self.present(&keys).await.map_err(|failure| failure.during(LOOK_UP))?;
            let present = ids.iter().zip(&keys).filter(|(_, key)| found.contains(*key));
            existing.extend(present.map(|((_, id), _)| *id));
        }
        Ok(existing)
    }

    async fn list(&self, query: &ActivationQuery, form: RecordForm) -> Result<Vec<Json>, StoreError> {
        let Some((view, range)) = view_of(query) else { return Ok(Vec::new()) };
        let documents = match form {
            RecordForm::Summary => Documents::No,
            RecordForm::Whole => Documents::Own,
        };
        let slice = Slice { skip: query.skip, limit: query.limit, documents };
        let rows = self.activations.rows(view, &range, slice).await;
        rows.map_err(|failure| failure.during(LIST))?.into_iter().map(shown).collect()
    }

    async fn count(&self, query: &ActivationQuery) -> Result<u64, StoreError> {
        let Some((view, range)) = view_of(query) else { return Ok(0) };
        self.activations.count(view, &range).await.map_err(|failure| failure.during("count records"))
    }
}

/// What became of one document of a bulk write.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    id: String,
    error: Option<String>,
    #[serde(default)]
    reason: String,
}

/// A row of a look-up by id.
#[derive(Deserialize)]
struct Found {
    /// Absent if there never was such a document.
    id: Option<String>,
    value: Option<Value>,
}

#[derive(Deserialize)]
struct FoundRows {
    rows: Vec<Found>,
}

impl CouchdbStore {
    async fn write(&self, documents: Vec<String>) -> Result<(), Failure> {
        let body = format!(r#"{{"docs":[{}]}}"#, documents.join(","));
        let answer = self.activations.call(Call::new(Method::POST, "_bulk_docs").with_body(body)).await?;
        for row in answer.json::<Vec<Written>>()? {
            match row.error {
                None => {}
                // It is there already: records are written once.
                Some(error) if error == "conflict" => {}
                Some(error) => return Err(Failure::Row { id: row.id, error, reason: row.reason }),
            }
        }
        Ok(())
    }

    /// Which of the ids are documents.
    async fn present(&self, ids: &[String]) -> Result<HashSet<String>, Failure> {
        let call = Call::new(Method::POST, "_all_docs").with_body(json!({ "keys": ids }).to_string());
        let rows = self.activations.call(call).await?.json::<FoundRows>()?.rows;
        let is_deleted = |row: &Found| row.value.as_ref().is_some_and(|value| value["deleted"] == true);
        Ok(rows.into_iter().filter(|row| !is_deleted(row)).filter_map(|row| row.id).collect())
    }
}

/// What a list shows of a row: its value is the summary, unless it brings the document.
fn shown(row: Row) -> Result<Json, StoreError> {
    let Some(document) = row.doc else { return Ok(row.value) };
    let stored = StoredRecord::parse(document.as_str()).map_err(|error| corrupt(&row.id, error))?;
    Ok(stored.to_json())
}

/// Documents in groups of bounded size, in order.
fn batches(documents: Vec<String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for document in documents {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_RECORDS && bytes < BATCH_BYTES => {
                bytes += document.len();
                batch.push(document);
            }
            _ => {
                bytes = document.len();
                batches.push(vec![document]);
            }
        }
    }
    batches
}

/// The view that answers a query, and where in it; `None` if nothing can match.
fn view_of(query: &ActivationQuery) -> Option<(View, Range)> {
    let since = query.since.unwrap_or(Timestamp(0));
    if query.upto.is_some_and(|upto| upto < since) {
        return None;
    }
    let (view, place) = match &query.name {
        None => (ACTIVATIONS, query.namespace.to_string()),
        Some(name) => (ACTIVATIONS_BY_NAME, format!("{}/{name}", query.namespace)),
    };
    // Strings come after numbers.
    let newest = query.upto.map_or_else(|| json!([place, "\u{fff0}"]), |upto| json!([place, upto]));
    Some((view, Range { newest, oldest: json!([place, since]) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_by_number_and_by_size() {
        let sizes = |documents: Vec<String>| batches(documents).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![]), [0; 0]);
        assert_eq!(sizes(vec!["x".into(); BATCH_RECORDS + 1]), [BATCH_RECORDS, 1]);
        let large = "x".repeat(BATCH_BYTES / 2);
        assert_eq!(sizes(vec![large; 5]), [2, 2, 1]);
    }
}
