//! Subjects, which of them a credential's hash or a namespace belongs to, and the limits of namespaces.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use whirl_model::{Caller, KeyHash, Namespace, NamespaceLimits, Subject};

use super::failure::{Failure, corrupt};
use super::{EmbeddedStore, document};
use crate::store::{Holder, Known, StoreError, SubjectStore};

#[async_trait]
impl SubjectStore for EmbeddedStore {
    async fn by_key(&self, hash: &KeyHash) -> Result<Option<Known>, StoreError> {
        let hash = hash.clone();
        let find = move |connection: &Connection| {
            let holder = by_key(connection, &hash)?.filter(|holder| !holder.blocked);
            holder.map(|holder| known(connection, holder.caller)).transpose()
        };
        self.readers.read("look a key up", find).await
    }

    async fn by_namespace(&self, namespace: &Namespace) -> Result<Option<Known>, StoreError> {
        let namespace = namespace.clone();
        let find = move |connection: &Connection| {
            let holder = holders(connection, &namespace)?.into_iter().find(|holder| !holder.blocked);
            holder.map(|holder| known(connection, holder.caller)).transpose()
        };
        self.readers.read("look a namespace up", find).await
    }

    async fn holders(&self, namespace: &Namespace) -> Result<Vec<Holder>, StoreError> {
        let namespace = namespace.clone();
        self.readers.read("look a namespace up", move |connection| holders(connection, &namespace)).await
    }

    async fn get(&self, subject: &str) -> Result<Subject, StoreError> {
        let name = subject.to_owned();
        let find = move |connection: &Connection| {
            let found = read(connection, &name)?;
            Ok(found.ok_or(StoreError::NotFound(name))?)
        };
        self.readers.read("read a subject", find).await
    }

    async fn put(&self, subject: &Subject, replaced: Option<&Subject>) -> Result<(), StoreError> {
        let (subject, replaced) = (subject.clone(), replaced.cloned());
        let work = move |connection: &Connection| {
            expect(connection, &subject.subject, replaced.as_ref())?;
            write(connection, &subject)
        };
        self.writer.write("write a subject", work).await
    }

    async fn delete(&self, subject: &Subject) -> Result<(), StoreError> {
        let subject = subject.clone();
        let work = move |connection: &Connection| {
            let name = &subject.subject;
            if read(connection, name)?.is_none() {
                return Err(StoreError::NotFound(name.clone()).into());
            }
            expect(connection, name, Some(&subject))?;
            connection.prepare_cached("DELETE FROM subject WHERE name = ?1")?.execute([name])?;
            forget_keys(connection, name)
        };
        self.writer.write("delete a subject", work).await
    }

    async fn limits(&self, namespace: &Namespace) -> Result<NamespaceLimits, StoreError> {
        let namespace = namespace.clone();
        let find = move |connection: &Connection| {
            Ok(limits(connection, &namespace)?.ok_or_else(|| missing_limits(&namespace))?)
        };
        self.readers.read("read limits", find).await
    }

    async fn put_limits(&self, namespace: &Namespace, limits: &NamespaceLimits) -> Result<(), StoreError> {
        let id = limits_id(namespace);
        let document = serde_json::to_string(limits).map_err(|e| corrupt(&id, e))?;
        let namespace = namespace.clone();
        let work = move |connection: &Connection| {
            let sql = "INSERT OR REPLACE INTO namespace_limits (namespace, document) VALUES (?1, ?2)";
            connection.prepare_cached(sql)?.execute((namespace.as_str(), &document))?;
            Ok(())
        };
        self.writer.write("write limits", work).await
    }

    async fn delete_limits(&self, namespace: &Namespace) -> Result<(), StoreError> {
        let namespace = namespace.clone();
        let work = move |connection: &Connection| {
            let sql = "DELETE FROM namespace_limits WHERE namespace = ?1";
            match connection.prepare_cached(sql)?.execute([namespace.as_str()])? {
                0 => Err(missing_limits(&namespace).into()),
                _ => Ok(()),
            }
        };
        self.writer.write("delete limits", work).await
    }
}

fn read(connection: &Connection, name: &str) -> Result<Option<Subject>, Failure> {
    document(connection, "SELECT document FROM subject WHERE name = ?1", [name], name)
}

/// The subject has to be as it was read.
fn expect(connection: &Connection, name: &str, read_before: Option<&Subject>) -> Result<(), Failure> {
    match read(connection, name)?.as_ref() == read_before {
        true => Ok(()),
        false => Err(StoreError::Conflict(name.to_owned()).into()),
    }
}

fn by_key(connection: &Connection, hash: &KeyHash) -> Result<Option<Holder>, Failure> {
    let mut statement = connection.prepare_cached("SELECT subject FROM credential WHERE key_hash = ?1")?;
    let name: Option<String> = statement.query_row([hash.as_str()], |row| row.get(0)).optional()?;
    name.map_or(Ok(None), |name| holder(connection, &name, hash))
}

fn holders(connection: &Connection, namespace: &Namespace) -> Result<Vec<Holder>, Failure> {
    let sql = "SELECT subject, key_hash FROM credential WHERE namespace = ?1 ORDER BY subject";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([namespace.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let keys: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    let found = keys.into_iter().map(|(name, hash)| holder(connection, &name, &KeyHash::from_hex(hash)));
    found.filter_map(Result::transpose).collect()
}

/// The namespace of a subject that has this key.
fn holder(connection: &Connection, name: &str, hash: &KeyHash) -> Result<Option<Holder>, Failure> {
    let Some(Subject { subject, namespaces, blocked }) = read(connection, name)? else { return Ok(None) };
    let namespace = namespaces.into_iter().find(|n| n.key_hash == *hash);
    let caller =
        namespace.map(|n| Caller { subject, namespace: n.name, uuid: n.uuid, sealed_key: n.sealed_key });
    Ok(caller.map(|caller| Holder { caller, blocked }))
}

fn known(connection: &Connection, caller: Caller) -> Result<Known, Failure> {
    let limits = match limits(connection, &caller.namespace) {
        Err(Failure::Verdict(StoreError::Corrupt { .. })) => NamespaceLimits::default(),
        read => read?.unwrap_or_default(),
    };
    Ok(Known { caller, limits })
}

fn limits(connection: &Connection, namespace: &Namespace) -> Result<Option<NamespaceLimits>, Failure> {
    let sql = "SELECT document FROM namespace_limits WHERE namespace = ?1";
    document(connection, sql, [namespace.as_str()], &limits_id(namespace))
}

fn missing_limits(namespace: &Namespace) -> StoreError {
    StoreError::NotFound(limits_id(namespace))
}

fn limits_id(namespace: &Namespace) -> String {
    format!("{namespace}/limits")
}

fn write(connection: &Connection, subject: &Subject) -> Result<(), Failure> {
    let name = &subject.subject;
    let document = serde_json::to_string(subject).map_err(|e| corrupt(name, e))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO subject (name, document) VALUES (?1, ?2)")?
        .execute((name, document))?;
    forget_keys(connection, name)?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO credential (key_hash, subject, namespace) VALUES (?1, ?2, ?3)
         ON CONFLICT (key_hash) DO NOTHING",
    )?;
    for namespace in &subject.namespaces {
        if insert.execute((namespace.key_hash.as_str(), name, namespace.name.as_str()))? == 0 {
            return Err(StoreError::Conflict(name.clone()).into());
        }
    }
    Ok(())
}

fn forget_keys(connection: &Connection, name: &str) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM credential WHERE subject = ?1")?.execute([name])?;
    Ok(())
}
