//! Speaks the action protocol, `POST /init` and `POST /run`, with one container.
//!
//! Reports what happened on the wire and nothing more: what it means for an activation is its caller's
//! business. Connections are kept open between calls; each belongs to the runtime it was opened in.

mod ahead;
mod body;
mod connection;
mod driver;
mod idle;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::time::{Instant, sleep, timeout_at};

use self::ahead::Ahead;
use self::connection::{Connection, Failure, RequestHead};
use self::idle::IdleConnections;

/// How much of an answer to `/init` is kept; more is read and counted.
const LARGEST_INIT_ANSWER: usize = 1 << 20;
/// Opening a connection for `/run` may take this long. A container that listens takes microseconds.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);
/// The waits between attempts to reach a container that is still starting.
const FIRST_RETRY: Duration = Duration::from_millis(2);
const LAST_RETRY: Duration = Duration::from_millis(50);

/// The client of one container. Calls may overlap; each then has a connection of its own.
#[derive(Debug)]
pub struct ActionClient {
    address: SocketAddr,
    head: RequestHead,
    idle: Option<IdleConnections>,
    ahead: Ahead,
}

/// Bounds of one `/run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// From the call to the last byte of the answer.
    pub timeout: Duration,
    /// The largest answer that is handed over whole, in bytes.
    pub max_response_bytes: usize,
    /// How much of a larger one is kept, in bytes; never more than `max_response_bytes`.
    pub truncate_to: usize,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended.
    pub reply: Reply,
    /// From the call to its end.
    pub elapsed: Duration,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The container answered, with any status.
    Answered(Answer),
    /// The request was sent, and the time was up before the answer was whole.
    TimedOut,
    /// The connection broke, or what came was no HTTP. The container may have seen the request.
    ConnectionLost {
        /// For the log.
        reason: String,
    },
    /// Not one byte was sent: the request may be made elsewhere. After `/init` this means that the whole
    /// timeout went by and the container never listened.
    NeverConnected {
        /// For the log.
        reason: String,
    },
}

/// A container's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, or the part of it that was kept.
    pub body: Bytes,
    /// Set when the body was too large.
    pub truncated: Option<Truncation>,
}

/// Says of a body that it was larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Its length: as announced, else as counted up to a bound of 64 MiB above what is allowed.
    pub actual: u64,
    /// What is allowed.
    pub limit: usize,
}

impl ActionClient {
    /// A client of the container at `address`. Nothing is connected yet.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self::with(address, Some(IdleConnections::default()))
    }

    /// A client that opens a connection for each request, for images whose server may attend to one
    /// connection at a time.
    #[must_use]
    pub fn without_keep_alive(address: SocketAddr) -> Self {
        Self::with(address, None)
    }

    fn with(address: SocketAddr, idle: Option<IdleConnections>) -> Self {
        Self { address, head: RequestHead::new(address), idle, ahead: Ahead::default() }
    }

    /// Where the container serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends `/init`, once. Until the first byte is sent, failing connects are tried again for as long as
    /// `timeout` lasts, as the container may still be starting; drop the call if the container ends meanwhile.
    pub async fn init(&self, body: Bytes, timeout: Duration) -> Exchange {
        let limits =
            RunLimits { timeout, max_response_bytes: LARGEST_INIT_ANSWER, truncate_to: LARGEST_INIT_ANSWER };
        let started = Instant::now();
        let deadline = started + timeout;
        let reply =
            self.send("/init", body, limits, deadline, || connect_patiently(self.address, deadline)).await;
        Exchange { reply, elapsed: started.elapsed() }
    }

    /// Sends `/run`, once.
    pub async fn run(&self, body: Bytes, limits: RunLimits) -> Exchange {
        let started = Instant::now();
        let deadline = started + limits.timeout;
        let connect_by = deadline.min(started + LONGEST_CONNECT);
        let reply =
            self.send("/run", body, limits, deadline, || connect_once(self.address, connect_by)).await;
        Exchange { reply, elapsed: started.elapsed() }
    }

    /// Waits until the container accepts connections; false if it does not within `timeout`.
    pub async fn wait_until_listening(&self, timeout: Duration) -> bool {
        match connect_patiently(self.address, Instant::now() + timeout).await {
            Ok(connection) => {
                self.keep(connection);
                true
            }
            Err(_) => false,
        }
    }

    /// Closes all idle connections.
    pub fn forget_connections(&self) {
        self.ahead.clear();
        if let Some(idle) = &self.idle {
            idle.clear();
        }
    }

    /// Closes all idle connections and lets the container notice, which takes it 20 ms at most; to be called before
    /// it is frozen, as it would otherwise do so when it thaws and has work to do.
    pub async fn close_connections(&self) {
        self.ahead.clear();
        if let Some(idle) = &self.idle {
            idle.close().await;
        }
    }

    /// Opens a connection for the first request after the thaw; to be called once the container is frozen.
    pub async fn connect_ahead(&self) {
        if self.idle.is_some() {
            self.ahead.open(self.address).await;
        }
    }

    /// To be called when the container has thawed, in the runtime of the request that it thawed for.
    pub async fn thawed(&self) {
        if let Some(connection) = self.ahead.take_up().await {
            self.keep(connection);
        }
    }

    async fn send<F>(
        &self,
        path: &'static str,
        body: Bytes,
        limits: RunLimits,
        deadline: Instant,
        connect: impl Fn() -> F,
    ) -> Reply
    where
        F: Future<Output = Result<Connection, String>>,
    {
        let mut request = self.head.request(path, body);
        loop {
            let kept = self.idle.as_ref().and_then(IdleConnections::take);
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => match connect().await {
                    Ok(connection) => connection,
                    Err(reason) => return Reply::NeverConnected { reason },
                },
            };
            match timeout_at(deadline, connection.exchange(request, limits)).await {
                Err(_elapsed) => return Reply::TimedOut,
                Ok(Ok(answer)) => {
                    self.keep(connection);
                    return Reply::Answered(answer);
                }
                Ok(Err(Failure::NotSent { request: unsent, .. })) if was_kept => request = *unsent,
                Ok(Err(Failure::NotSent { reason, .. })) => return Reply::NeverConnected { reason },
                Ok(Err(Failure::Lost { reason })) => return Reply::ConnectionLost { reason },
            }
        }
    }

    fn keep(&self, connection: Connection) {
        if let Some(idle) = &self.idle {
            idle.put(connection);
        }
    }
}

async fn connect_once(address: SocketAddr, deadline: Instant) -> Result<Connection, String> {
    match timeout_at(deadline, Connection::open(address)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_elapsed) => Err("no connection in time".to_owned()),
    }
}

async fn connect_patiently(address: SocketAddr, deadline: Instant) -> Result<Connection, String> {
    let mut pause = FIRST_RETRY;
    loop {
        let failure = match connect_once(address, deadline).await {
            Ok(connection) => return Ok(connection),
            Err(failure) => failure,
        };
        let now = Instant::now();
        if now >= deadline {
            return Err(failure);
        }
        sleep(pause.min(deadline - now)).await;
        pause = pause.mul_f64(1.3).min(LAST_RETRY);
    }
}

#[cfg(test)]
mod tests;
