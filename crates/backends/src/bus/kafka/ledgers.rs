//! The ledgers of all topics that are, or were, read by this process.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use whirl_model::Topic;

use super::ledger::Ledger;
use super::reader::Opened;

#[derive(Default)]
pub(super) struct Ledgers(Mutex<HashMap<Topic, Entry>>);

#[derive(Clone)]
struct Entry {
    /// Receipts and readers keep it.
    ledger: Weak<Ledger>,
    /// See [`Ledger::open`].
    committed: watch::Receiver<u64>,
}

impl Ledgers {
    /// The one that an earlier reader of the topic has left, if it or its receipts are still about.
    pub(super) fn alive(&self, topic: Topic) -> Option<Arc<Ledger>> {
        self.0.lock().get(&topic)?.ledger.upgrade()
    }

    /// A new one, in place of any other.
    pub(super) fn open(&self, topic: Topic, runtime: &Handle, opened: &Opened) -> Arc<Ledger> {
        let (ledger, committed) = Ledger::open(runtime, opened);
        self.0.lock().insert(topic, Entry { ledger: Arc::downgrade(&ledger), committed });
        ledger
    }

    /// Returns when all that was recorded before is committed, or cannot be.
    pub(super) async fn committed(&self) {
        let entries: Vec<_> = self.0.lock().values().cloned().collect();
        for Entry { ledger, mut committed } in entries {
            let wanted = ledger.upgrade().map_or(u64::MAX, |ledger| ledger.to_commit());
            // Without receipts it closes as soon as all is committed.
            let _closed = committed.wait_for(|offset| *offset >= wanted).await;
        }
    }
}
