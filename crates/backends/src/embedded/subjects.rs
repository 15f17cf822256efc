//! Subjects, and which of them a credential's hash belongs to.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use whirl_model::{Caller, KeyHash, Subject};

use super::EmbeddedStore;
use super::failure::{Failure, corrupt};
use crate::store::{StoreError, SubjectStore};

#[async_trait]
impl SubjectStore for EmbeddedStore {
    async fn by_key(&self, hash: &KeyHash) -> Result<Option<Caller>, StoreError> {
        let hash = hash.clone();
        self.readers.read("look a key up", move |connection| by_key(connection, &hash)).await
    }

    async fn get(&self, subject: &str) -> Result<Subject, StoreError> {
        let name = subject.to_owned();
        let find = move |connection: &Connection| {
            let found = read(connection, &name)?;
            Ok(found.ok_or(StoreError::NotFound(name))?)
        };
        self.readers.read("read a subject", find).await
    }

    async fn put(&self, subject: &Subject) -> Result<(), StoreError> {
        let subject = subject.clone();
        let work = move |connection: &Connection| write(connection, &subject);
        self.writer.write("write a subject", work).await
    }
}

fn read(connection: &Connection, name: &str) -> Result<Option<Subject>, Failure> {
    let mut statement = connection.prepare_cached("SELECT document FROM subject WHERE name = ?1")?;
    let document: Option<String> = statement.query_row([name], |row| row.get(0)).optional()?;
    let parsed = document.map(|text| serde_json::from_str(&text)).transpose();
    Ok(parsed.map_err(|e| corrupt(name, e))?)
}

fn by_key(connection: &Connection, hash: &KeyHash) -> Result<Option<Caller>, Failure> {
    let mut statement = connection.prepare_cached("SELECT subject FROM credential WHERE key_hash = ?1")?;
    let name: Option<String> = statement.query_row([hash.as_str()], |row| row.get(0)).optional()?;
    let Some(name) = name else { return Ok(None) };
    let Some(subject) = read(connection, &name)?.filter(|s| !s.blocked) else { return Ok(None) };
    let namespace = subject.namespaces.into_iter().find(|n| n.key_hash == *hash);
    Ok(namespace.map(|n| Caller {
        subject: subject.subject,
        namespace: n.name,
        uuid: n.uuid,
        sealed_key: n.sealed_key,
    }))
}

fn write(connection: &Connection, subject: &Subject) -> Result<(), Failure> {
    let name = &subject.subject;
    let document = serde_json::to_string(subject).map_err(|e| corrupt(name, e))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO subject (name, document) VALUES (?1, ?2)")?
        .execute((name, document))?;
    connection.prepare_cached("DELETE FROM credential WHERE subject = ?1")?.execute([name])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO credential (key_hash, subject) VALUES (?1, ?2) ON CONFLICT (key_hash) DO NOTHING",
    )?;
    for namespace in &subject.namespaces {
        if insert.execute((namespace.key_hash.as_str(), name))? == 0 {
            return Err(StoreError::Conflict(name.clone()).into());
        }
    }
    Ok(())
}
