//! One watcher's sight of the cluster: a listing, then a watch from there on, and both again whenever the
//! watch breaks. What to tell of it is the view's business.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{EventType, GetOptions, KeyValue, WatchOptions, WatchResponse, WatchStream};
use tokio::time::{sleep, timeout};

use super::failure::{meaning, unavailable};
use super::keys::Keys;
use super::server::{Server, revision};
use super::view::{Record, View};
use crate::coordination::{ClusterEvent, CoordinationError, Watcher};

const OPERATION: &str = "show the cluster";

/// The pause before another try.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Sight {
    server: Server,
    keys: Keys,
    watcher: Arc<dyn Watcher>,
    view: View,
}

impl Sight {
    pub(super) fn new(server: Server, keys: Keys, watcher: Arc<dyn Watcher>) -> Self {
        let view = View::new(keys.clone());
        Self { server, keys, watcher, view }
    }

    /// Tells the watcher what there is to see, for as long as this is polled.
    pub(super) async fn run(mut self) {
        let mut stale = false;
        loop {
            let error = match self.list().await {
                Ok(revision) => {
                    stale = false;
                    let Err(error) = self.follow(revision + 1).await;
                    error
                }
                Err(error) => error,
            };
            if !stale {
                stale = true;
                let reason = in_words(&error);
                tracing::warn!(reason, "the cluster is out of sight");
                self.watcher.event(ClusterEvent::Stale { reason });
            }
            sleep(PAUSE).await;
        }
    }

    /// Shows everyone who is there. The revision at which it was so.
    async fn list(&mut self) -> Result<i64, CoordinationError> {
        let range = self.keys.members();
        let options = GetOptions::new().with_range(range.end);
        let listing = self.server.get(OPERATION, &range.start, options).await?;
        let revision = revision(OPERATION, listing.header())?;
        let events = self.view.listed(listing.kvs().iter().map(record));
        events.into_iter().chain([ClusterEvent::Current]).for_each(|event| self.watcher.event(event));
        Ok(revision)
    }

    /// Shows what changes from a revision on, until that breaks. A watch that is silent is asked whether it is
    /// still there: a server that hangs, or is cut off, does not end it.
    async fn follow(&mut self, from: i64) -> Result<Infallible, CoordinationError> {
        let mut stream = self.watch(from).await?;
        let quiet = self.server.lease / 3;
        let mut asked = false;
        loop {
            match timeout(quiet, stream.message()).await {
                Ok(message) => {
                    self.take(message.map_err(|error| meaning(OPERATION, &error))?)?;
                    asked = false;
                }
                Err(_) if asked => return Err(unavailable(OPERATION, "it is silent")),
                Err(_) => {
                    stream.request_progress().await.map_err(|error| meaning(OPERATION, &error))?;
                    asked = true;
                }
            }
        }
    }

    async fn watch(&self, from: i64) -> Result<WatchStream, CoordinationError> {
        let range = self.keys.members();
        let options = WatchOptions::new().with_range(range.end).with_start_revision(from);
        self.server.watch(OPERATION, &range.start, options).await
    }

    fn take(&mut self, message: Option<WatchResponse>) -> Result<(), CoordinationError> {
        let Some(message) = message else { return Err(unavailable(OPERATION, "the watch has ended")) };
        if message.canceled() {
            // The history from there on is compacted away, or the permission is.
            let reason = format!("the watch was ended: {}", message.cancel_reason());
            return Err(unavailable(OPERATION, reason));
        }
        for event in message.events() {
            let Some(kv) = event.kv() else { continue };
            let events = match event.event_type() {
                EventType::Put => self.view.written(&record(kv)),
                EventType::Delete => self.view.deleted(kv.key()).into_iter().collect(),
            };
            events.into_iter().for_each(|event| self.watcher.event(event));
        }
        Ok(())
    }
}

fn record(kv: &KeyValue) -> Record<'_> {
    Record { key: kv.key(), value: kv.value(), created: kv.create_revision(), written: kv.mod_revision() }
}

/// The error and what is behind it, in one line.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}
