//! Open connections that wait for the next request. Each may only be used in the runtime it was opened in,
//! whose reactor watches it.

use parking_lot::Mutex;
use tokio::runtime::{Handle, Id};
use tokio::time::{Duration, Instant, sleep};

use super::connection::Connection;

/// Servers close what stays idle; Node's, the most impatient of the common ones, after 5 s. Below that, a
/// request does not race with the close.
const LONGEST_IDLE: Duration = Duration::from_secs(3);

/// A server that learns of a close closes its end at once, unless it is busy.
const LONGEST_GOODBYE: Duration = Duration::from_millis(20);
const LISTEN_AGAIN: Duration = Duration::from_millis(1);

/// The idle connections of one container.
#[derive(Debug, Default)]
pub(super) struct IdleConnections(Mutex<Vec<Idle>>);

#[derive(Debug)]
struct Idle {
    runtime: Id,
    since: Instant,
    connection: Connection,
}

impl IdleConnections {
    /// A connection that the current runtime may use and that was not closed.
    pub(super) fn take(&self) -> Option<Connection> {
        let runtime = Handle::current().id();
        loop {
            let Idle { since, connection, .. } = {
                let mut all = self.0.lock();
                let index = all.iter().rposition(|idle| idle.runtime == runtime)?;
                all.swap_remove(index)
            };
            if since.elapsed() < LONGEST_IDLE && connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection if another request can be sent over it.
    pub(super) fn put(&self, mut connection: Connection) {
        if connection.settle() {
            let idle = Idle { runtime: Handle::current().id(), since: Instant::now(), connection };
            self.0.lock().push(idle);
        }
    }

    /// Closes them all.
    pub(super) fn clear(&self) {
        drop(self.take_all());
    }

    /// Closes them all, and waits for a moment at most until the container has closed its ends.
    pub(super) async fn close(&self) {
        let mut open = self.take_all();
        open.iter().for_each(|idle| idle.connection.say_goodbye());
        let deadline = Instant::now() + LONGEST_GOODBYE;
        loop {
            open.retain(|idle| idle.connection.is_quiet());
            if open.is_empty() || Instant::now() >= deadline {
                return;
            }
            sleep(LISTEN_AGAIN).await;
        }
    }

    fn take_all(&self) -> Vec<Idle> {
        std::mem::take(&mut *self.0.lock())
    }
}
