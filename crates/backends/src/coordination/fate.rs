//! What became of a lease, and the waiting for its loss. Who decides it is not here.

use std::future;

use tokio::sync::watch;

/// What became of a lease. Only the first end counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Held,
    GivenBack,
    RanOut,
}

/// Where the end of one lease is noted.
#[derive(Clone, Debug)]
pub(super) struct FateOfLease(watch::Sender<Fate>);

impl FateOfLease {
    pub(super) fn held() -> Self {
        Self(watch::Sender::new(Fate::Held))
    }

    pub(super) fn end(&self, fate: Fate) {
        self.0.send_if_modified(|now| {
            let first = *now == Fate::Held;
            if first {
                *now = fate;
            }
            first
        });
    }

    /// Returns when the lease has run out, and never when it was given back.
    pub(super) async fn lost(&self) {
        if self.0.subscribe().wait_for(|fate| *fate == Fate::RanOut).await.is_err() {
            future::pending::<()>().await;
        }
    }
}
