//! What goes wrong between us and CouchDB, and how callers hear of it.

use std::error::Error;

use couch_rs::http::StatusCode;

use crate::store::StoreError;

/// CouchDB and its imitations word a missing database differently from a missing document.
const MISSING_DATABASE: [&str; 2] = ["Database does not exist.", "no_db_file"];

/// Why one request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There was no answer, or not a whole one.
    #[error("CouchDB did not answer")]
    NoAnswer {
        /// Whether the request may have been carried out all the same.
        sent: bool,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer is an error.
    #[error("CouchDB answered {status} ({error}: {reason})")]
    Status { status: StatusCode, error: String, reason: String },
    /// The answer is not what CouchDB answers.
    #[error("what answered is no CouchDB")]
    Nonsense(#[source] serde_json::Error),
    /// A row of a bulk write failed.
    #[error("CouchDB did not write '{id}' ({error}: {reason})")]
    Row { id: String, error: String, reason: String },
}

impl Failure {
    /// Whether CouchDB answered with this status.
    pub(super) fn is(&self, expected: StatusCode) -> bool {
        matches!(self, Self::Status { status, .. } if *status == expected)
    }

    /// Whether a document (and not its database) is missing.
    pub(super) fn is_missing_document(&self) -> bool {
        self.is(StatusCode::NOT_FOUND) && !self.is_missing_database()
    }

    fn is_missing_database(&self) -> bool {
        matches!(self, Self::Status { reason, .. } if MISSING_DATABASE.contains(&reason.as_str()))
    }

    /// Whether nobody knows if a write was carried out.
    pub(super) fn leaves_doubt(&self) -> bool {
        match self {
            Self::NoAnswer { sent, .. } => *sent,
            Self::Status { status, .. } => status.is_server_error(),
            Self::Nonsense(_) => true,
            Self::Row { .. } => false,
        }
    }

    /// The error for the caller who asked to write records. `Unfit` where CouchDB itself says that it cannot read the
    /// request, or something on the way to it that the request is too large.
    pub(super) fn of_records(self) -> StoreError {
        const OPERATION: &str = "write activation records";
        match &self {
            Self::Status { status: StatusCode::PAYLOAD_TOO_LARGE, .. } => {}
            Self::Status { status: StatusCode::BAD_REQUEST, error, .. } if !error.is_empty() => {}
            _ => return self.during(OPERATION),
        }
        StoreError::Unfit { operation: OPERATION, source: Box::new(self) }
    }

    /// The error for the caller who asked for `operation`.
    pub(super) fn during(self, operation: &'static str) -> StoreError {
        let for_good = match &self {
            Self::Status { status: StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS, .. } => false,
            Self::Status { status, .. } => status.is_client_error() && !self.is_missing_database(),
            _ => false,
        };
        let source = Box::new(self);
        match for_good {
            true => StoreError::Refused { operation, source },
            false => StoreError::Unavailable { operation, source },
        }
    }
}

pub(super) fn corrupt(id: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Corrupt { id: id.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_records_is_their_fault() {
        let of = |status, error: &str| {
            let (error, reason) = (error.to_owned(), "invalid UTF-8 JSON".to_owned());
            Failure::Status { status, error, reason }.of_records()
        };
        assert!(of(StatusCode::BAD_REQUEST, "bad_request").is_of_content());
        assert!(of(StatusCode::PAYLOAD_TOO_LARGE, "document_too_large").is_of_content());
        assert!(of(StatusCode::PAYLOAD_TOO_LARGE, "").is_of_content());
        for refused in [of(StatusCode::BAD_REQUEST, ""), of(StatusCode::UNAUTHORIZED, "unauthorized")] {
            assert!(matches!(refused, StoreError::Refused { .. }), "{refused:?}");
        }
        for status in [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::TOO_MANY_REQUESTS] {
            assert!(of(status, "x").is_retryable());
        }
    }
}
