//! A connection that is opened while its container is frozen, for the first request after the thaw. The kernel connects;
//! the server learns of it when it thaws. So its patience with an idle connection does not begin before, however long
//! the container was frozen.

use std::net::{SocketAddr, TcpStream};

use parking_lot::Mutex;
use tokio::time::{Duration, timeout};

use super::connection::{Connection, connect};

/// A kernel that does not connect within this time will not.
const LONGEST_CONNECT: Duration = Duration::from_millis(20);

/// At most one such connection, which belongs to no runtime yet.
#[derive(Debug, Default)]
pub(super) struct Ahead(Mutex<Option<TcpStream>>);

impl Ahead {
    /// Opens it. Where this fails there is none, and the first request connects as any other does.
    pub(super) async fn open(&self, address: SocketAddr) {
        if let Ok(Ok(stream)) = timeout(LONGEST_CONNECT, connect(address)).await {
            *self.0.lock() = stream.into_std().ok();
        }
    }

    /// From now on it is a connection of the current runtime, if there is one.
    pub(super) async fn take_up(&self) -> Option<Connection> {
        let stream = self.0.lock().take()?;
        Connection::over(tokio::net::TcpStream::from_std(stream).ok()?).await.ok()
    }

    /// Closes it.
    pub(super) fn clear(&self) {
        let stream = self.0.lock().take();
        drop(stream);
    }
}
