//! The tables, their version, and the connections to them.
//!
//! A row's `seq` is never given twice: it breaks ties in lists (later written comes first), makes revisions
//! unique, and lets an attachment be read piece by piece without being mistaken for its successor.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure::{Failure, corrupt};
use crate::store::StoreError;

/// What makes the schema of each version out of the one before; the first, out of nothing. What was released is
/// never changed.
const STEPS: [&str; 3] = [FIRST, WITH_LIMITS, WITH_CLAIMS];

const VERSION: i64 = STEPS.len() as i64;

const FIRST: &str = "
CREATE TABLE entity (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    collection TEXT NOT NULL,
    namespace TEXT NOT NULL,
    parent TEXT NOT NULL,
    updated INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    attachment_size INTEGER,
    summary TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX entity_by_namespace ON entity (collection, namespace, updated);
CREATE INDEX entity_by_parent ON entity (collection, parent, updated);

CREATE TABLE attachment (
    entity INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (entity, piece)
) STRICT;

CREATE TABLE activation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    filter_name TEXT NOT NULL,
    start INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX activation_by_start ON activation (namespace, start);
CREATE INDEX activation_by_name ON activation (namespace, filter_name, start);

CREATE TABLE subject (
    name TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;
CREATE TABLE credential (
    key_hash TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL
) STRICT;
CREATE INDEX credential_by_subject ON credential (subject);
";

/// Limits of namespaces, and credentials by namespace.
const WITH_LIMITS: &str = "
CREATE TABLE namespace_limits (
    namespace TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;
ALTER TABLE credential ADD COLUMN namespace TEXT NOT NULL DEFAULT '';
UPDATE credential SET namespace = (
    SELECT entry.value ->> 'name'
    FROM subject, json_each(subject.document, '$.namespaces') AS entry
    WHERE subject.name = credential.subject AND entry.value ->> 'key_hash' = credential.key_hash
);
CREATE INDEX credential_by_namespace ON credential (namespace, subject);
";

/// Claims on idempotency keys.
const WITH_CLAIMS: &str = "
CREATE TABLE claim (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    expires INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_end ON claim (expires);
";

/// The database was written by a newer Whirl.
#[derive(Debug, thiserror::Error)]
#[error("it has schema version {found}, this Whirl knows none after {VERSION}: use the newer Whirl")]
struct NewerSchema {
    found: i64,
}

/// The one connection that writes. Creates the tables that are not there yet.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let opened = || -> Result<Connection, Failure> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        create_tables(&mut connection, path)?;
        Ok(connection)
    };
    opened().map_err(|f| f.during("open its database"))
}

/// A connection that only reads. It sees what was committed before each statement.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let opened = || -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    };
    opened().map_err(|f| f.during("open its database"))
}

/// Brings an older database, or a new one, to this version.
fn create_tables(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = usize::try_from(found).ok().and_then(|done| STEPS.get(done..));
    let missing = missing.ok_or_else(|| corrupt(&path.display().to_string(), NewerSchema { found }))?;
    for step in missing {
        transaction.execute_batch(step)?;
    }
    if !missing.is_empty() {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_database_keeps_its_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whirl.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(FIRST).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        let document = r#"{"subject":"alice","namespaces":[{"name":"alice","uuid":"u","key_hash":"one",
            "sealed_key":"s"},{"name":"team","uuid":"v","key_hash":"two","sealed_key":"t"}],"blocked":false}"#;
        old.execute("INSERT INTO subject VALUES ('alice', ?1)", [document]).unwrap();
        old.execute_batch("INSERT INTO credential VALUES ('one', 'alice'), ('two', 'alice')").unwrap();
        drop(old);

        for _opening in 0..2 {
            let connection = open_for_writing(&path).unwrap();
            let namespace = |hash: &str| -> String {
                let sql = "SELECT namespace FROM credential WHERE key_hash = ?1 AND subject = 'alice'";
                connection.query_row(sql, [hash], |row| row.get(0)).unwrap()
            };
            assert_eq!((namespace("one").as_str(), namespace("two").as_str()), ("alice", "team"));
        }
    }
}
