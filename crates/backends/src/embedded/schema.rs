//! The tables, their version, and the connections to them.
//!
//! A row's `seq` is never given twice: it breaks ties in lists (later written comes first), makes revisions
//! unique, and lets an attachment be read piece by piece without being mistaken for its successor.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure::{Failure, corrupt};
use crate::store::StoreError;

const VERSION: i64 = 1;

const TABLES: &str = "
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

/// The database was written by a newer Whirl.
#[derive(Debug, thiserror::Error)]
#[error("it has schema version {found}, this Whirl knows none after {VERSION}: use the newer Whirl")]
struct NewerSchema {
    found: i64,
}

/// The one connection that writes. Creates the tables in a new database.
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

fn create_tables(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match transaction.pragma_query_value(None, "user_version", |row| row.get(0))? {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        found => return Err(corrupt(&path.display().to_string(), NewerSchema { found }).into()),
    }
    transaction.commit()?;
    Ok(())
}
