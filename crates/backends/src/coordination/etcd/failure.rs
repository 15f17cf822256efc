//! What it means when a call to etcd fails. Whether to try again is the caller's business.

use std::error::Error;
use std::iter;

use crate::coordination::CoordinationError;

/// gRPC's numbers of what etcd answers when something is wrong for good.
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

pub(super) fn unavailable(
    operation: &'static str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> CoordinationError {
    CoordinationError::Unavailable { operation, source: source.into() }
}

pub(super) fn meaning(operation: &'static str, error: &etcd_client::Error) -> CoordinationError {
    let words = in_words(error);
    let etcd_client::Error::GRpcStatus(status) = error else { return unavailable(operation, words) };
    let (code, message) = (i32::from(status.code()), status.message());
    if code == code::NOT_FOUND && message.contains("lease not found") {
        CoordinationError::Lost
    } else if is_refusal(code, message) {
        CoordinationError::Refused { operation, source: words.into() }
    } else {
        unavailable(operation, words)
    }
}

fn is_refusal(code: i32, message: &str) -> bool {
    match code {
        code::PERMISSION_DENIED | code::UNAUTHENTICATED => true,
        // A wrong password, no user where one is wanted, a user where none is.
        code::INVALID_ARGUMENT => message.contains("authentication failed") || message.contains("user name"),
        code::FAILED_PRECONDITION => message.contains("authentication is not enabled"),
        _ => false,
    }
}

/// What was said and what is at the root of it. The client's own chain says the same thing several times.
fn in_words(error: &etcd_client::Error) -> String {
    let (said, cause) = match error {
        etcd_client::Error::GRpcStatus(status) => (status.message().to_owned(), status.source()),
        other => (other.to_string(), None),
    };
    let root = iter::successors(cause, |&cause| cause.source()).last().map(ToString::to_string);
    match root {
        Some(root) if !said.contains(&root) => format!("{said}: {root}"),
        _ => said,
    }
}
