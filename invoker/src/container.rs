//! A container that was started, as the shell holds it.

use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;
use whirl_containers::action_client::ActionClient;
use whirl_containers::factory::ContainerName;
use whirl_scheduling::Moment;

use crate::logs::LogBook;
use crate::record_writer::Entry;

/// A container that was started.
pub(crate) struct Running {
    pub(crate) name: ContainerName,
    pub(crate) client: ActionClient,
    /// Without an entry where no record is kept.
    pub(crate) book: Mutex<LogBook<Option<Entry>>>,
    ended: watch::Sender<bool>,
    epoch: Instant,
}

impl Running {
    pub(crate) fn new(name: ContainerName, client: ActionClient, marks_ends: bool, epoch: Instant) -> Self {
        let book = Mutex::new(LogBook::new(marks_ends));
        Self { name, client, book, ended: watch::Sender::new(false), epoch }
    }

    pub(crate) fn now(&self) -> Moment {
        self.epoch.elapsed()
    }

    /// Its output has ended, so it has too.
    pub(crate) fn set_ended(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until it has ended.
    pub(crate) async fn wait_until_ended(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}
