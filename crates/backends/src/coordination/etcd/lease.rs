//! One lease: granted, renewed in the background, given back or lost. What hangs on it is not its business.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::sleep;

use super::server::{Granted, Server};
use super::task::Task;
use crate::coordination::CoordinationError;
use crate::coordination::fate::{Fate, FateOfLease};

/// Dropping it ends the renewal, and so, a little later, the lease.
pub(super) struct Lease {
    server: Server,
    pub(super) id: i64,
    fate: FateOfLease,
    trouble: Trouble,
    renewal: Task,
}

/// Why the last renewal failed, if it did.
type Trouble = Arc<Mutex<Option<String>>>;

impl Lease {
    pub(super) async fn granted(server: &Server) -> Result<Self, CoordinationError> {
        let Granted { id, lasting } = server.grant("grant a lease").await?;
        let fate = FateOfLease::held();
        let trouble = Trouble::default();
        let (server, third) = (server.clone(), lasting / 3);
        let renewing = Renewing { server: server.clone(), id, third, trouble: Arc::clone(&trouble) };
        let renewal = server.spawn(renewing.run(fate.clone()));
        Ok(Self { server, id, fate, trouble, renewal })
    }

    /// Returns when it has run out.
    pub(super) async fn lost(&self) {
        self.fate.lost().await;
    }

    /// Why it was not renewed when it was due, if it was not.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Notes that what hung on it is gone. What may be left goes with the lease, which nothing renews any more.
    pub(super) fn has_run_out(&self) {
        self.fate.end(Fate::RanOut);
        self.renewal.end();
    }

    /// Gives it back: all that hangs on it is gone at once. If that fails it is gone later, as nothing renews
    /// it any more.
    pub(super) async fn give_back(&self) -> Result<(), CoordinationError> {
        self.fate.end(Fate::GivenBack);
        self.renewal.end();
        match self.server.revoke("leave the cluster", self.id).await {
            Ok(()) | Err(CoordinationError::Lost) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

struct Renewing {
    server: Server,
    id: i64,
    /// Of the lease: time for one renewal that fails, and for another.
    third: Duration,
    trouble: Trouble,
}

impl Renewing {
    async fn run(self, fate: FateOfLease) {
        let mut failing = false;
        loop {
            sleep(if failing { self.third / 4 } else { self.third }).await;
            let outcome = self.server.renew("renew the lease", self.id, self.third).await;
            match &outcome {
                Ok(true) if failing => tracing::info!(lease = self.id, "the lease is renewed again"),
                Ok(false) => {
                    tracing::warn!(lease = self.id, "the lease has ended");
                    return fate.end(Fate::RanOut);
                }
                Err(error) if !failing => {
                    tracing::warn!(
                        lease = self.id,
                        error = error as &dyn Error,
                        "the lease is not renewed yet"
                    );
                }
                Ok(true) | Err(_) => {}
            }
            failing = outcome.is_err();
            *self.trouble.lock() = outcome.err().map(|error| match error.source() {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            });
        }
    }
}
