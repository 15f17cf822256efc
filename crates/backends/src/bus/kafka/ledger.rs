//! What became of one topic's activations, told to Kafka: the offset up to which all are recorded is committed,
//! behind everybody's back and several at a time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use whirl_model::ActivationRecord;

use super::reader::{Opened, Reading};
use super::tracker::Tracker;
use crate::bus::{BusError, Progress, Receipt};

/// For how long offsets are gathered before the last one is committed.
const GATHER: Duration = Duration::from_millis(20);

/// An offset is committed again after this, as brokers forget groups that are silent for days.
const RENEWAL: Duration = Duration::from_secs(3600);

/// Between two tries to commit.
const PAUSE: Duration = Duration::from_secs(1);

/// Tries when nobody will say more.
const LAST_TRIES: u32 = 3;

/// The activations of one topic. Shared by receipts and readers; what is said at last is committed even when
/// all of them are gone.
pub(super) struct Ledger {
    tracker: Mutex<Tracker>,
    to_commit: watch::Sender<u64>,
}

impl Ledger {
    /// A ledger from where a reader begins, and the offset that is committed, for those who wait for it: it
    /// closes when the last one is.
    pub(super) fn open(runtime: &Handle, opened: &Opened) -> (Arc<Self>, watch::Receiver<u64>) {
        let (committed, is_committed) = watch::channel(opened.start);
        let (to_commit, told) = watch::channel(opened.start);
        let reading = Arc::clone(&opened.reading);
        runtime.spawn(Committer { reading, told, committed }.run());
        let tracker = Mutex::new(Tracker::new(opened.start, opened.foreign));
        (Arc::new(Self { tracker, to_commit }), is_committed)
    }

    pub(super) fn to_commit(&self) -> u64 {
        self.tracker.lock().to_commit()
    }

    pub(super) fn deliver(&self, offset: u64) -> Option<Progress> {
        self.tracker.lock().deliver(offset)
    }

    pub(super) fn recorded(&self, offset: u64) {
        let mut tracker = self.tracker.lock();
        tracker.recorded(offset);
        let done = tracker.to_commit();
        self.to_commit.send_if_modified(|to_commit| {
            let more = done > *to_commit;
            *to_commit = done.max(*to_commit);
            more
        });
    }
}

/// The receipt of one activation.
pub(super) struct LedgerReceipt {
    pub(super) ledger: Arc<Ledger>,
    pub(super) offset: u64,
}

impl Receipt for LedgerReceipt {
    /// A next process takes everything that is not recorded for started, so that nothing has to be noted.
    fn started(&self) -> Result<(), BusError> {
        self.ledger.tracker.lock().started(self.offset);
        Ok(())
    }

    fn ended(&self, _record: &ActivationRecord) {
        self.ledger.tracker.lock().ended(self.offset);
    }

    fn recorded(&self) {
        self.ledger.recorded(self.offset);
    }
}

struct Committer {
    reading: Arc<Reading>,
    told: watch::Receiver<u64>,
    committed: watch::Sender<u64>,
}

impl Committer {
    async fn run(mut self) {
        loop {
            // There is more to commit, or nobody is left to say more, or the last time was long ago.
            let told = tokio::time::timeout(RENEWAL, self.told.changed()).await;
            let last = matches!(told, Ok(Err(_)));
            if matches!(told, Ok(Ok(()))) {
                tokio::time::sleep(GATHER).await;
            }
            let stale = *self.told.borrow() != *self.committed.borrow() || told.is_err();
            if (stale && !self.commit_at_last().await) || last {
                return;
            }
        }
    }

    /// Tries until it goes well; `false` when it does not and nobody is left to say more.
    async fn commit_at_last(&mut self) -> bool {
        let mut tries = 1;
        while !self.commit().await {
            if self.told.has_changed().is_err() && tries >= LAST_TRIES {
                tracing::warn!(topic = self.reading.topic, "not all that is recorded could be committed");
                return false;
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    /// Commits what was told last; whether that went well.
    async fn commit(&mut self) -> bool {
        let offset = *self.told.borrow_and_update();
        let reading = Arc::clone(&self.reading);
        let committing = tokio::task::spawn_blocking(move || reading.commit(offset));
        match committing.await {
            Ok(Ok(())) => {
                self.committed.send_replace(offset);
                true
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, topic = self.reading.topic, offset, "not committed yet");
                false
            }
            // The runtime is ending.
            Err(_) => false,
        }
    }
}
