//! A container that was started, as the shell holds it.

use std::io;
use std::time::{Duration, Instant};

use futures::stream::BoxStream;
use parking_lot::Mutex;
use tokio::sync::watch;
use whirl_containers::action_client::ActionClient;
use whirl_containers::factory::{
    ContainerError, ContainerFactory, ContainerName, OutputChunk, StartedContainer,
};
use whirl_scheduling::Moment;

use crate::cpu::CpuAccount;
use crate::logs::LogBook;
use crate::record_writer::Entry;

/// Marks that are on their way take milliseconds; an action whose time was up sends none.
const LONGEST_LAST_WORDS: Duration = Duration::from_millis(250);
const LISTEN_AGAIN: Duration = Duration::from_millis(2);

/// What became of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It is frozen.
    Frozen,
    /// It goes on, and can be used.
    PutOff,
}

/// A container that was started.
pub(crate) struct Running {
    pub(crate) name: ContainerName,
    pub(crate) client: ActionClient,
    /// Without an entry where no record is kept.
    pub(crate) book: Mutex<LogBook<Option<Entry>>>,
    pub(crate) cpu: CpuAccount,
    ended: watch::Sender<bool>,
    epoch: Instant,
}

impl Running {
    /// What the shell holds of a container that was started, and what it writes.
    pub(crate) fn take(
        name: ContainerName,
        started: StartedContainer,
        book: LogBook<Option<Entry>>,
        epoch: Instant,
    ) -> (Self, BoxStream<'static, io::Result<OutputChunk>>) {
        let StartedContainer { address, output, meter } = started;
        let container = Self {
            name,
            client: ActionClient::new(address),
            book: Mutex::new(book),
            cpu: CpuAccount::new(meter),
            ended: watch::Sender::new(false),
            epoch,
        };
        (container, output)
    }

    pub(crate) fn now(&self) -> Moment {
        self.epoch.elapsed()
    }

    /// Freezes it, if all that its runs said has come, and not while the engine is in trouble, which might freeze it at
    /// any time later.
    pub(crate) async fn pause(&self, factory: &dyn ContainerFactory) -> Result<Pause, ContainerError> {
        if factory.trouble().is_some() || !self.last_words().await {
            return Ok(Pause::PutOff);
        }
        self.client.close_connections().await;
        factory.pause(&self.name).await?;
        self.client.connect_ahead().await;
        Ok(Pause::Frozen)
    }

    /// Thaws it.
    pub(crate) async fn resume(&self, factory: &dyn ContainerFactory) -> Result<(), ContainerError> {
        factory.resume(&self.name).await?;
        self.client.thawed().await;
        Ok(())
    }

    /// Waits until the logs of what ran in it are complete, for a moment at most: it is to be frozen or removed, and
    /// marks that are on their way would be late or lost. Whether they are complete.
    pub(crate) async fn last_words(&self) -> bool {
        let complete = async {
            while !self.book.lock().is_complete() {
                tokio::time::sleep(LISTEN_AGAIN).await;
            }
        };
        tokio::time::timeout(LONGEST_LAST_WORDS, complete).await.is_ok()
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
