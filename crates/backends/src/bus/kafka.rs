//! The bus of a cluster: topics of Kafka, messages as JSON.
//!
//! Every message is confirmed by all replicas before `publish` returns, whatever durability is asked; whether a
//! replica has it on disk by then is the brokers' setting. An activation is committed when it is recorded, so
//! that after a crash everything unrecorded comes again; of what was there when the reader came, this bus does
//! not know whether it had been started.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rdkafka::error::KafkaError;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_blocking};
use whirl_model::wire::Wire;
use whirl_model::{EntityChange, Position, Topic};

use super::listeners::Listeners;
use super::{Bus, BusError, Consumer, Durability, Listener, Listening, Message, Subscription};

mod config;
mod feed;
mod ledger;
mod ledgers;
mod publisher;
mod reach;
mod reader;
mod stamp;
mod topics;
mod tracker;

pub use config::{KafkaConfig, Protocol};
use feed::{Counter, Feed, Feeding};
use ledgers::Ledgers;
use publisher::{Parcel, PublishError, Publisher};
use reach::{Context, Reach};
use reader::{Found, Opener, Reader, Start};
use topics::{Channel, Topics};

/// How long `close` waits for what is not committed.
const CLOSING: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The settings make no sense to librdkafka, or name files that cannot be used.
    #[error("the Kafka settings cannot be used")]
    Settings(#[source] KafkaError),
    /// No broker answers; the same call may succeed later.
    #[error("no Kafka broker of {brokers} can be reached: {reason}")]
    Unreachable {
        /// Who was asked.
        brokers: String,
        /// What a client said last, or that nobody answered.
        reason: String,
    },
    /// The brokers and this process do not agree on credentials, certificates or protocol.
    #[error("Kafka at {brokers} turns this process away: {reason}")]
    Refused {
        /// Who was asked.
        brokers: String,
        /// What the broker, or TLS, said.
        reason: String,
    },
}

impl ConnectError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// How long who announces a change waits to hear of it itself.
const HEARING: Duration = Duration::from_secs(1);

/// A connection to Kafka.
pub struct KafkaBus {
    config: KafkaConfig,
    runtime: Handle,
    topics: Arc<Topics>,
    reach: Arc<Reach>,
    publisher: Arc<Publisher>,
    readers: Mutex<HashMap<Topic, (Arc<Counter>, AbortHandle)>>,
    ledgers: Arc<Ledgers>,
    listeners: Listeners,
    changes: Mutex<Option<AbortHandle>>,
    /// How far changes were heard of: the offset behind the last.
    heard: watch::Sender<u64>,
    watch: AbortHandle,
}

impl KafkaBus {
    /// Connects to the brokers. Has to be called in the tokio runtime that messages are to be delivered on.
    ///
    /// # Errors
    /// When no broker answers within the request timeout, or they turn this process away, or the settings make
    /// no sense.
    pub async fn connect(config: KafkaConfig) -> Result<Arc<Self>, ConnectError> {
        let reach = Arc::new(Reach::default());
        let context = Context(Arc::clone(&reach));
        let topics = Arc::new(Topics::new(&config, context).map_err(ConnectError::Settings)?);
        let publisher = Publisher::new(&config, Arc::clone(&topics), Arc::clone(&reach));
        let publisher = Arc::new(publisher.map_err(ConnectError::Settings)?);
        first_contact(&config, &publisher, &reach).await?;
        reach.up();
        let runtime = Handle::current();
        let watching = publisher::keep_watch(Arc::downgrade(&publisher), Arc::clone(&reach));
        let watch = runtime.spawn(watching).abort_handle();
        tracing::info!(brokers = config.brokers, "connected to Kafka");
        Ok(Arc::new(Self {
            config,
            runtime,
            topics,
            reach,
            publisher,
            readers: Mutex::default(),
            ledgers: Arc::default(),
            listeners: Listeners::default(),
            changes: Mutex::default(),
            heard: watch::Sender::new(0),
            watch,
        }))
    }

    fn opener(&self, channel: Channel) -> Opener {
        Opener {
            config: self.config.clone(),
            topics: Arc::clone(&self.topics),
            reach: Arc::clone(&self.reach),
            runtime: self.runtime.clone(),
            channel,
        }
    }

    fn feed_activations(&self, topic: Topic, feed: Feed) -> AbortHandle {
        let opener = self.opener(Channel::Messages(topic));
        let earlier = self.ledgers.alive(topic);
        let start = earlier.as_ref().map_or(Start::Committed, |ledger| Start::At(ledger.to_commit()));
        let opened = opener.open_now(start);
        let (ledgers, runtime) = (Arc::clone(&self.ledgers), self.runtime.clone());
        let feeding = async move {
            let reader = open(opener, opened, start).await;
            let open_ledger = |reader: &Reader| ledgers.open(topic, &runtime, &reader.opened);
            let ledger = earlier.unwrap_or_else(|| open_ledger(&reader));
            feed.activations(reader, ledger, open_ledger).await;
        };
        self.runtime.spawn(feeding).abort_handle()
    }

    fn feed_acknowledgements(&self, topic: Topic, feed: Feed) -> AbortHandle {
        let opener = self.opener(Channel::Messages(topic));
        let opened = opener.open_now(Start::End);
        let feeding = async move { feed.acknowledgements(open(opener, opened, Start::End).await).await };
        self.runtime.spawn(feeding).abort_handle()
    }

    /// Waits until this process has heard of the change at an offset, if it listens. Whoever else listens is
    /// sent it at the same moment.
    async fn hear_of(&self, offset: u64) {
        if self.changes.lock().is_none() {
            return;
        }
        let mut heard = self.heard.subscribe();
        if tokio::time::timeout(HEARING, heard.wait_for(|heard| *heard > offset)).await.is_err() {
            tracing::debug!(offset, "a change that was announced has not come back yet");
        }
    }

    fn hear_changes(&self) -> AbortHandle {
        let opener = self.opener(Channel::Changes);
        let opened = opener.open_now(Start::End);
        let (listeners, heard) = (self.listeners.clone(), self.heard.clone());
        let hearing = async move {
            let mut missed = opened.is_err();
            let mut reader = open(opener, opened, Start::End).await;
            loop {
                if missed {
                    listeners.tell_of_missed();
                }
                let found = reader.next::<EntityChange>(Start::End).await;
                missed = !matches!(found, Found::Message { .. });
                if let Found::Message { offset, message, .. } = found {
                    listeners.tell(&message);
                    heard.send_replace(offset + 1);
                }
            }
        };
        self.runtime.spawn(hearing).abort_handle()
    }
}

/// The reader that was opened, or one that is opened when it can be.
async fn open(opener: Opener, opened: Result<reader::Opened, reach::Unplaced>, start: Start) -> Reader {
    let opened = match opened {
        Ok(opened) => opened,
        Err(_publishing_waits) => opener.open_later(start).await,
    };
    Reader { opener, opened }
}

/// Waits for a broker's answer. Being turned away is one; librdkafka would go on trying.
async fn first_contact(
    config: &KafkaConfig,
    publisher: &Arc<Publisher>,
    reach: &Arc<Reach>,
) -> Result<(), ConnectError> {
    let brokers = || config.brokers.clone();
    let (asked, timeout) = (Arc::clone(publisher), config.request_timeout());
    let mut answer = spawn_blocking(move || asked.probe(timeout));
    loop {
        tokio::select! {
            answered = &mut answer => {
                let unreachable = |reason| ConnectError::Unreachable { brokers: brokers(), reason };
                let error = match answered {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(error)) => error.to_string(),
                    Err(error) => error.to_string(),
                };
                let silence = || format!("no answer over {}: {error}", config.protocol.as_str());
                let reason = reach.complaint().map_or_else(silence, |complaint| complaint.reason);
                return Err(unreachable(reason));
            }
            () = reach.doubted() => {
                if let Some(complaint) = reach.complaint().filter(|complaint| complaint.refused) {
                    return Err(ConnectError::Refused { brokers: brokers(), reason: complaint.reason });
                }
            }
        }
    }
}

#[async_trait]
impl Bus for KafkaBus {
    async fn publish(
        &self,
        topic: Topic,
        message: Message,
        _durability: Durability,
    ) -> Result<Position, BusError> {
        let trace_parent = match &message {
            Message::Activation(activation) => activation.trace_parent.as_deref(),
            Message::Acknowledgement(_) => None,
        };
        let parcel = Parcel { channel: Channel::Messages(topic), body: feed::body(&message), trace_parent };
        match self.publisher.publish(parcel).await {
            Ok(offset) => Ok(Position(offset)),
            Err(PublishError::Full) => Err(BusError::Full),
            Err(PublishError::TooLarge(bytes)) => Err(BusError::TooLarge { topic, bytes }),
            Err(other) => Err(BusError::Unavailable { topic, source: Box::new(other) }),
        }
    }

    async fn make_durable(&self, _topic: Topic) -> Result<(), BusError> {
        Ok(())
    }

    fn subscribe(&self, topic: Topic, consumer: Arc<dyn Consumer>, credit: usize) -> Box<dyn Subscription> {
        let mut readers = self.readers.lock();
        if let Some((counter, task)) = readers.remove(&topic) {
            counter.close();
            task.abort();
        }
        let counter = Counter::new(credit);
        let feed = Feed { counter: Arc::clone(&counter), consumer };
        let task = match topic {
            Topic::Activations(_) | Topic::Sequences(_) => self.feed_activations(topic, feed),
            Topic::Acknowledgements(_) => self.feed_acknowledgements(topic, feed),
        };
        readers.insert(topic, (Arc::clone(&counter), task.clone()));
        Box::new(Feeding { counter, task })
    }

    async fn announce(&self, change: EntityChange) -> Result<(), BusError> {
        let parcel = Parcel { channel: Channel::Changes, body: change.to_wire(), trace_parent: None };
        match self.publisher.publish(parcel).await {
            Ok(offset) => {
                self.hear_of(offset).await;
                Ok(())
            }
            Err(PublishError::Full) => Err(BusError::Full),
            Err(other) => Err(BusError::Unannounced(Box::new(other))),
        }
    }

    fn listen(&self, listener: Arc<dyn Listener>) -> Box<dyn Listening> {
        let listening = self.listeners.add(listener);
        self.changes.lock().get_or_insert_with(|| self.hear_changes());
        listening
    }

    fn trouble(&self) -> Option<String> {
        self.reach.trouble()
    }

    async fn close(&self) {
        if tokio::time::timeout(CLOSING, self.ledgers.committed()).await.is_err() {
            tracing::warn!("Kafka did not confirm all that was recorded; some activations may come again");
        }
    }
}

impl Drop for KafkaBus {
    fn drop(&mut self) {
        self.watch.abort();
        if let Some(hearing) = self.changes.get_mut() {
            hearing.abort();
        }
    }
}
