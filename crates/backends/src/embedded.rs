//! The store of a single machine: one SQLite file, one writer thread, a few reader threads.
//!
//! Opening, closing and errors are here; what is stored and how, in the modules below. Nothing here blocks
//! an async thread but [`EmbeddedStore::open`] and [`EmbeddedStore::close`].

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params};
use serde::de::DeserializeOwned;

use crate::lock;
use crate::store::{StoreError, Stores};

mod activations;
mod claims;
mod entities;
mod failure;
mod reader;
mod schema;
mod subjects;
mod writer;

use failure::{Failure, corrupt, unavailable};
use reader::Readers;
use writer::Writer;

/// Entities, activation records and subjects in one SQLite file. Writes are durable when they return
/// (`synchronous=FULL`); those that wait at the same moment share one commit.
pub struct EmbeddedStore {
    writer: Writer,
    readers: Arc<Readers>,
    _lock: File,
}

impl EmbeddedStore {
    /// Opens the database at `path`, or creates it. Beside it lie SQLite's own `-wal` and `-shm` and the
    /// lock `-lock`, which keeps a second process away.
    ///
    /// # Errors
    /// `Unavailable` when it is in use or cannot be opened, `Corrupt` when it is no database of ours or of a
    /// newer Whirl.
    pub fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        let lock = lock::acquire(&beside(path, "-lock")).map_err(|e| unavailable("open its database", e))?;
        let writer = Writer::start(schema::open_for_writing(path)?)?;
        let readers = Arc::new(Readers::start(path)?);
        Ok(Arc::new(Self { writer, readers, _lock: lock }))
    }

    /// The store as its seams.
    #[must_use]
    pub fn stores(self: &Arc<Self>) -> Stores {
        Stores {
            entities: self.clone(),
            activations: self.clone(),
            subjects: self.clone(),
            claims: self.clone(),
        }
    }

    /// Finishes what was asked, folds the write-ahead log into the database and stops the threads. Whatever
    /// is asked afterwards is `Unavailable`. Dropping the store does the same.
    pub fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.close();
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The one document that a query finds, if any; `name` is what it is called where it cannot be read.
fn document<T: DeserializeOwned>(
    connection: &Connection,
    query: &str,
    parameters: impl Params,
    name: &str,
) -> Result<Option<T>, Failure> {
    let mut statement = connection.prepare_cached(query)?;
    let text: Option<String> = statement.query_row(parameters, |row| row.get(0)).optional()?;
    let parsed = text.map(|text| serde_json::from_str(&text)).transpose();
    Ok(parsed.map_err(|error| corrupt(name, error))?)
}

/// A time or number of the API as SQLite keeps it. What does not fit is beyond anything stored.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as SQLite kept it, back as the API's.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests;
