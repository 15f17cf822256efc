//! The thread that syncs the log: one `fdatasync` for all who wait at the moment.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::log::Log;
use super::{JournalError, failed};

type Waiting = oneshot::Sender<Result<(), Arc<JournalError>>>;

/// The thread's handle. Dropping it ends the thread after the sync at hand.
pub(super) struct Syncer {
    log: Arc<Log>,
    requests: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

/// Whoever waits has appended before asking, so a sync that begins afterwards covers it.
fn sync_on_request(log: &Log, requests: &mpsc::Receiver<Waiting>) {
    while let Ok(first) = requests.recv() {
        let mut waiting = vec![first];
        waiting.extend(requests.try_iter());
        let outcome = log.sync().map_err(Arc::new);
        for one in waiting {
            // Who asked may have gone away.
            let _gone = one.send(outcome.clone());
        }
    }
}

impl Syncer {
    pub(super) fn start(log: Arc<Log>) -> Result<Self, JournalError> {
        let (requests, receiver) = mpsc::channel();
        let shared = Arc::clone(&log);
        let thread = thread::Builder::new()
            .name("journal-sync".to_owned())
            .spawn(move || sync_on_request(&shared, &receiver))
            .map_err(|e| failed("start the thread that syncs", Path::new("the journal"), e))?;
        Ok(Self { log, requests: Some(requests), thread: Some(thread) })
    }

    /// Returns when what was appended before is synced.
    pub(super) async fn sync(&self) -> Result<(), JournalError> {
        if self.log.is_synced() {
            return Ok(());
        }
        let (waiting, outcome) = oneshot::channel();
        let asked = self.requests.as_ref().is_some_and(|requests| requests.send(waiting).is_ok());
        match outcome.await {
            Ok(outcome) if asked => outcome.map_err(|error| JournalError::NotSynced(Some(error))),
            _ => Err(JournalError::NotSynced(None)),
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs the journal panicked");
        }
    }
}
