//! Activation records: written once, never changed.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, named_params, params_from_iter};
use whirl_model::{ActivationId, ActivationRecord, Json, Namespace, StoredRecord};

use super::failure::{Failure, corrupt};
use super::{EmbeddedStore, document, integer, unsigned};
use crate::store::{ActivationQuery, ActivationStore, RecordForm, StoreError};

#[async_trait]
impl ActivationStore for EmbeddedStore {
    async fn put_all(&self, records: &[Arc<ActivationRecord>]) -> Result<(), StoreError> {
        let records = records.to_vec();
        let work = move |connection: &Connection| records.iter().try_for_each(|r| insert(connection, r));
        self.writer.write("write activation records", work).await
    }

    async fn get(&self, namespace: &Namespace, id: ActivationId) -> Result<ActivationRecord, StoreError> {
        let namespace = namespace.clone();
        self.readers.read("read a record", move |connection| read(connection, &namespace, id)).await
    }

    async fn existing(&self, ids: &[(Namespace, ActivationId)]) -> Result<Vec<ActivationId>, StoreError> {
        let ids = ids.to_vec();
        self.readers.read("look records up", move |connection| existing(connection, ids)).await
    }

    async fn list(&self, query: &ActivationQuery, form: RecordForm) -> Result<Vec<Json>, StoreError> {
        let query = query.clone();
        self.readers.read("list records", move |connection| list(connection, &query, form)).await
    }

    async fn count(&self, query: &ActivationQuery) -> Result<u64, StoreError> {
        let query = query.clone();
        self.readers.read("count records", move |connection| count(connection, &query)).await
    }
}

fn key(id: ActivationId) -> [u8; 16] {
    id.bits().to_be_bytes()
}

fn insert(connection: &Connection, record: &ActivationRecord) -> Result<(), Failure> {
    let id = record.activation_id;
    let text = serde_json::to_string(record).map_err(|e| corrupt(&id.to_string(), e))?;
    connection
        .prepare_cached(
            "INSERT INTO activation (id, namespace, filter_name, start, record)
             VALUES (:id, :namespace, :name, :start, :record) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(named_params! {
            ":id": key(id),
            ":namespace": record.namespace.as_str(),
            ":name": record.filter_name(),
            ":start": integer(record.start.0),
            ":record": text,
        })?;
    Ok(())
}

fn read(
    connection: &Connection,
    namespace: &Namespace,
    id: ActivationId,
) -> Result<ActivationRecord, Failure> {
    let (sql, name) = ("SELECT record FROM activation WHERE id = ?1 AND namespace = ?2", id.to_string());
    let found = document(connection, sql, (key(id), namespace.as_str()), &name)?;
    Ok(found.ok_or(StoreError::NotFound(name))?)
}

fn existing(
    connection: &Connection,
    ids: Vec<(Namespace, ActivationId)>,
) -> Result<Vec<ActivationId>, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM activation WHERE id = ?1 AND namespace = ?2")?;
    let mut found = Vec::new();
    for (namespace, id) in ids {
        if statement.exists((key(id), namespace.as_str()))? {
            found.push(id);
        }
    }
    Ok(found)
}

fn condition(query: &ActivationQuery) -> &'static str {
    match query.name {
        Some(_) => "namespace = ? AND start BETWEEN ? AND ? AND filter_name = ?",
        None => "namespace = ? AND start BETWEEN ? AND ?",
    }
}

/// The values for the question marks of `condition`.
fn condition_values(query: &ActivationQuery) -> Vec<Value> {
    let since = query.since.map_or(0, |t| integer(t.0));
    let upto = query.upto.map_or(i64::MAX, |t| integer(t.0));
    let mut values = vec![query.namespace.as_str().to_owned().into(), since.into(), upto.into()];
    values.extend(query.name.clone().map(Value::from));
    values
}

/// Finds the rows in the index alone, so that those skipped cost little.
pub(super) fn list_sql(query: &ActivationQuery) -> String {
    let condition = condition(query);
    format!("SELECT seq FROM activation WHERE {condition} ORDER BY start DESC, seq DESC LIMIT ? OFFSET ?")
}

pub(super) fn count_sql(query: &ActivationQuery) -> String {
    format!("SELECT count(*) FROM activation WHERE {}", condition(query))
}

fn list(connection: &Connection, query: &ActivationQuery, form: RecordForm) -> Result<Vec<Json>, Failure> {
    let mut values = condition_values(query);
    values.extend([integer(query.limit).into(), integer(query.skip).into()]);
    let mut wanted = connection.prepare_cached(&list_sql(query))?;
    let mut read = connection.prepare_cached("SELECT record, hex(id) FROM activation WHERE seq = ?1")?;
    let mut found = wanted.query(params_from_iter(values))?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        let mut record = read.query([row.get::<_, i64>(0)?])?;
        let Some(row) = record.next()? else { continue };
        let (text, id) = (row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, row.get::<_, String>(1)?);
        let stored = StoredRecord::parse(text).map_err(|e| corrupt(&id.to_lowercase(), e))?;
        records.push(match form {
            RecordForm::Summary => stored.to_summary(),
            RecordForm::Whole => stored.to_json(),
        });
    }
    Ok(records)
}

fn count(connection: &Connection, query: &ActivationQuery) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached(&count_sql(query))?;
    let number = statement.query_row(params_from_iter(condition_values(query)), |row| row.get(0))?;
    Ok(unsigned(number))
}
