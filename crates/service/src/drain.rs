//! The signal that a process is to end: take no new work, finish the rest, exit 0. What "finish" means is
//! each component's own business.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// A switch that goes on once and stays on. Clones share it.
#[derive(Clone, Debug)]
pub struct Drain(Arc<watch::Sender<bool>>);

impl Default for Drain {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Drain {
    /// A drain that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins draining; again does nothing.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until draining begins; returns at once if it has.
    pub async fn wait(&self) {
        let mut receiver = self.0.subscribe();
        // Cannot fail: this handle keeps the sender alive.
        let _ = receiver.wait_for(|draining| *draining).await;
    }

    /// Begins draining at the first SIGTERM or SIGINT and ends the process at the second. Has to be called
    /// within a tokio runtime.
    ///
    /// # Errors
    /// When the process cannot listen to signals.
    pub fn begin_on_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let drain = self.clone();
        tokio::spawn(async move {
            either(&mut terminate, &mut interrupt).await;
            tracing::info!("draining: a signal asked this process to end; another one ends it at once");
            drain.begin();
            let status = either(&mut terminate, &mut interrupt).await;
            std::process::exit(status);
        });
        Ok(())
    }
}

/// Waits for one of the signals and tells the exit status that stands for it.
async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => 128 + SignalKind::terminate().as_raw_value(),
        _ = interrupt.recv() => 128 + SignalKind::interrupt().as_raw_value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_who_waits_is_told_and_late_comers_too() {
        let drain = Drain::new();
        let waiter = tokio::spawn({
            let drain = drain.clone();
            async move { drain.wait().await }
        });
        assert!(!drain.is_draining());
        drain.begin();
        waiter.await.unwrap();
        drain.wait().await;
        assert!(drain.is_draining());
    }
}
