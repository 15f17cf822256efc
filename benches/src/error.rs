//! Why a measurement could not be made. A call that failed while measuring is no error: it is counted.

use std::io;

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// Something on this machine.
    #[error("cannot {doing}")]
    Io {
        /// What was tried.
        doing: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A peer does not speak the HTTP that the lean client understands.
    #[error("{peer} sent what is no HTTP/1.1 answer of a known length")]
    Http {
        /// Who.
        peer: String,
    },
    /// The engine refused.
    #[error("Docker refused to {doing}: {status} {message}")]
    Docker {
        /// What was tried.
        doing: String,
        /// The HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// The API did not do as it was asked.
    #[error("whirl did not {doing}")]
    Api {
        /// What was asked.
        doing: String,
        /// Its answer.
        #[source]
        source: whirl_cli::client::Error,
    },
    /// The simulated cluster did what must never be.
    #[error("a promise is broken")]
    Violation(#[from] whirl_scheduling::simulation::Violation),
    /// The store could not be filled.
    #[error("the store cannot be filled")]
    Store(#[from] whirl_backends::store::StoreError),
    /// The `whirl` process failed.
    #[error("whirl {what}; the end of its log:\n{log}")]
    Server {
        /// What it did, or did not do.
        what: String,
        /// The last lines that it logged.
        log: String,
    },
    /// Kafka failed.
    #[cfg(feature = "cluster")]
    #[error("Kafka did not {doing}")]
    Kafka {
        /// What was asked.
        doing: String,
        /// Why not.
        #[source]
        source: rdkafka::error::KafkaError,
    },
    /// Something that was waited for did not come.
    #[error("{what} within {seconds} s")]
    Late {
        /// What did not happen.
        what: String,
        /// How long that was waited for.
        seconds: u64,
    },
    /// What was asked for cannot be done here.
    #[error("{0}")]
    Unsuitable(String),
}

impl Error {
    /// Names what was tried when an input or output operation failed.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
