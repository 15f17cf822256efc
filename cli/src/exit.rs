//! How a run ends: the failures that a user is told of and the exit codes that scripts read.

use std::error::Error as _;
use std::fmt::Write as _;

use crate::client;
use crate::properties::PropertyError;

/// All went well.
pub const OK: u8 = 0;
const GENERAL: u8 = 1;
const USAGE: u8 = 2;
const NETWORK: u8 = 3;
const BAD_BODY: u8 = 4;
/// A blocking invocation went on beyond the time that the server waits.
pub const TIMED_OUT: u8 = 202;

/// The HTTP status of an activation that ended with an error of the action.
pub const FAILED_ACTION: u16 = 502;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or the configuration is at fault.
    #[error("{0}")]
    Usage(String),
    /// Something on this machine is at fault, such as a file.
    #[error("{0}")]
    Local(String),
    /// The same with a reason underneath.
    #[error("{what}")]
    File {
        /// What could not be done.
        what: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A request failed.
    #[error("{what}")]
    Request {
        /// What could not be done: `Unable to get action 'x'`.
        what: String,
        /// The reason.
        #[source]
        source: client::Error,
    },
    /// A feed did not do what it was asked to.
    #[error("{what}: the feed '{feed}' {why}")]
    Feed {
        /// What could not be done: `Unable to create trigger 't'`.
        what: String,
        /// The feed action.
        feed: String,
        /// What it did instead.
        why: &'static str,
        /// The exit code.
        code: u8,
    },
    /// The client could not be set up.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The property file.
    #[error(transparent)]
    Properties(#[from] PropertyError),
    /// The answer to the user could not be written.
    #[error("Unable to write the output")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// A mistake in the command line.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// For `map_err`: says what a request was for.
    pub fn request(what: impl Into<String>) -> impl FnOnce(client::Error) -> Self {
        let what = what.into();
        move |source| Self::Request { what, source }
    }

    /// For `map_err`: says what a file was for.
    pub fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::File { what, source }
    }

    /// The whole story in one line, causes after colons.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(text, ": {error}").expect("writing to a String cannot fail");
            cause = error.source();
        }
        text
    }

    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Request { source, .. } | Self::Client(source) => of_client(source),
            Self::Feed { code, .. } => *code,
            Self::Local(_) | Self::File { .. } | Self::Properties(_) | Self::Output(_) => GENERAL,
        }
    }
}

fn of_client(error: &client::Error) -> u8 {
    match error {
        client::Error::Refused { status, .. } | client::Error::Unexplained { status } => of_status(*status),
        client::Error::Network { .. } => NETWORK,
        client::Error::Body { .. } => BAD_BODY,
        client::Error::Host { .. } => USAGE,
        client::Error::Identity { .. } => GENERAL,
    }
}

/// An HTTP failure status as an exit code: status − 256, in eight bits. 404 is 148, 502 is 246.
#[must_use]
pub fn of_status(status: u16) -> u8 {
    status.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_lose_256() {
        for (status, code) in [
            (400, 144),
            (401, 145),
            (403, 147),
            (404, 148),
            (409, 153),
            (413, 157),
            (422, 166),
            (429, 173),
            (500, 244),
            (502, 246),
            (503, 247),
        ] {
            assert_eq!(of_status(status), code, "{status}");
        }
    }

    #[test]
    fn a_message_names_deed_and_reason_once() {
        let source =
            client::Error::Refused { status: 409, text: "resource already exists".into(), code: "x1".into() };
        let failure = Failure::request("Unable to create action 'a'")(source);
        assert_eq!(failure.message(), "Unable to create action 'a': resource already exists (code x1)");
        assert_eq!(failure.exit_code(), 153);
    }

    #[test]
    fn other_failures_have_small_codes() {
        let network = client::Error::Network {
            url: "http://h".into(),
            source: Box::new(ureq::Error::ConnectionFailed),
        };
        assert_eq!(Failure::from(network).exit_code(), 3);
        assert_eq!(Failure::usage("x").exit_code(), 2);
        assert_eq!(Failure::Local("x".into()).exit_code(), 1);
    }
}
