//! What goes wrong inside the embedded store, and how callers hear of it.

use std::error::Error;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// Why one piece of work failed: its own verdict, or SQLite's.
#[derive(Debug)]
pub(super) enum Failure {
    Verdict(StoreError),
    Sqlite(Arc<rusqlite::Error>),
}

impl Failure {
    /// The error for the caller who asked for `operation`.
    pub(super) fn during(self, operation: &'static str) -> StoreError {
        match self {
            Self::Verdict(error) => error,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    StoreError::Corrupt { id: "the database".to_owned(), source: Box::new(error) }
                }
                _ => unavailable(operation, error),
            },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Verdict(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

/// The store was closed.
#[derive(Debug, thiserror::Error)]
#[error("it is closed")]
pub(super) struct Closed;

pub(super) fn unavailable(
    operation: &'static str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable { operation, source: source.into() }
}

pub(super) fn corrupt(id: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Corrupt { id: id.to_owned(), source: source.into() }
}
