//! What can keep the proxy from serving. What goes wrong inside a request is an answer instead (`answer`).

use std::io;
use std::net::SocketAddr;

/// A reason for which the proxy cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither arguments nor `WHIRL_PROXY_LAUNCHER` name the launcher.
    #[error(
        "no launcher: give its command as arguments or in WHIRL_PROXY_LAUNCHER, for example `node /whirl/launcher.js`"
    )]
    NoLauncher,
    /// `WHIRL_PROXY_LISTEN` is not `address:port`.
    #[error("WHIRL_PROXY_LISTEN must be an address and port such as 127.0.0.1:8080, not {0:?}")]
    BadListen(String),
    /// The asynchronous runtime or its signal handlers could not be set up.
    #[error("cannot set up the event loop")]
    EventLoop(#[source] io::Error),
    /// The directory for the action's files could not be made.
    #[error("cannot create a working directory below {}", std::env::temp_dir().display())]
    WorkDirectory(#[source] io::Error),
    /// The launcher could not be started.
    #[error("cannot start the launcher {command:?}")]
    Launcher {
        /// The program that was tried.
        command: String,
        /// Why it did not start.
        #[source]
        source: io::Error,
    },
    /// The listening socket could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it should have listened.
        address: SocketAddr,
        /// Why it could not.
        #[source]
        source: io::Error,
    },
}
