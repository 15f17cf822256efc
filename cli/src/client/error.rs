//! Why a request came to nothing. Exit codes and the words around these texts belong to the command line.

use std::path::PathBuf;

/// A request that failed, or a client that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with a failure status and said why (`{"error": …, "code": …}`).
    #[error("{text} (code {code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `error` member.
        text: String,
        /// The `code` member: the transaction id.
        code: String,
    },
    /// A failure status whose body is not an OpenWhisk error.
    #[error("The connection failed, or timed out. (HTTP status code {status})")]
    Unexplained {
        /// The HTTP status.
        status: u16,
    },
    /// No answer came: name resolution, connection, TLS or a time limit.
    #[error("no answer from {url}")]
    Network {
        /// The address asked.
        url: String,
        /// What went wrong underneath.
        #[source]
        source: Box<ureq::Error>,
    },
    /// A success status whose body is not what the call promises.
    #[error("the answer to {method} {path} is not understood")]
    Body {
        /// The method of the request.
        method: String,
        /// The path of the request, below the API's root.
        path: String,
        /// Where the text departs from the expected shape.
        #[source]
        source: serde_json::Error,
    },
    /// The API host is no usable address.
    #[error("'{host}' is not a valid API host")]
    Host {
        /// The host as configured.
        host: String,
    },
    /// A client certificate or its key cannot be used.
    #[error("the {what} '{}' cannot be read", path.display())]
    Identity {
        /// `client certificate` or `client key`.
        what: &'static str,
        /// The file named in the configuration.
        path: PathBuf,
        /// The reason: the file, or its contents.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// The HTTP status, if the server answered with a failure.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Unexplained { status } => Some(*status),
            _ => None,
        }
    }

    /// Whether the next attempt may succeed: the server is away, overloaded or asks for patience.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Network { .. })
            || self.status().is_some_and(|status| status == 429 || status >= 500)
    }

    /// Whether the server says that the entity does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }
}
