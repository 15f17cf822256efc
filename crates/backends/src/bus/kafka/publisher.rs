//! Publishing: one producer for all topics, which is replaced when it cannot go on, and the probe that finds out
//! whether the brokers are there.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::task::spawn_blocking;

use super::config::KafkaConfig;
use super::reach::{Context, Reach};
use super::stamp;
use super::topics::{Channel, PARTITION, Topics};

/// How long a probe waits for its answer.
const PROBE: Duration = Duration::from_secs(2);

/// Between two probes that found no broker.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) struct Publisher {
    config: KafkaConfig,
    topics: Arc<Topics>,
    reach: Arc<Reach>,
    producer: Mutex<FutureProducer<Context>>,
}

/// What is published.
pub(super) struct Parcel<'a> {
    pub(super) channel: Channel,
    pub(super) body: Vec<u8>,
    /// The W3C `traceparent`, which also goes as a header, for tools that do not read bodies.
    pub(super) trace_parent: Option<&'a str>,
}

/// Why it was not.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    #[error("{0}")]
    OutOfReach(String),
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    #[error("too much waits to be sent")]
    Full,
    #[error(transparent)]
    Kafka(KafkaError),
    #[error("the runtime is ending")]
    Ending,
}

impl Publisher {
    pub(super) fn new(config: &KafkaConfig, topics: Arc<Topics>, reach: Arc<Reach>) -> KafkaResult<Self> {
        let producer = config.producer().create_with_context(Context(Arc::clone(&reach)))?;
        Ok(Self { config: config.clone(), topics, reach, producer: Mutex::new(producer) })
    }

    /// Returns the offset when all replicas have the message. While the brokers are out of reach it says so at
    /// once.
    pub(super) async fn publish(&self, parcel: Parcel<'_>) -> Result<u64, PublishError> {
        if let Some(trouble) = self.reach.trouble() {
            return Err(PublishError::OutOfReach(trouble));
        }
        let topic = self.topics.name(parcel.channel);
        if !self.topics.is_known(&topic) {
            let (topics, channel) = (Arc::clone(&self.topics), parcel.channel);
            let ensured = spawn_blocking(move || topics.ensure(channel)).await;
            ensured.map_err(|_| PublishError::Ending)?.map_err(|error| self.failed(error, &topic, 0))?;
        }
        let size = parcel.body.len();
        self.send(&topic, parcel).await.map_err(|error| self.failed(error, &topic, size))
    }

    async fn send(&self, topic: &str, parcel: Parcel<'_>) -> KafkaResult<u64> {
        let mut headers = OwnedHeaders::new_with_capacity(2);
        if let Some(value) = parcel.trace_parent {
            headers = headers.insert(Header { key: "traceparent", value: Some(value) });
        }
        let headers = stamp::write(headers, SystemTime::now());
        let record = FutureRecord::<(), Vec<u8>>::to(topic).partition(PARTITION).payload(&parcel.body);
        let record = record.headers(headers);
        let sending = self.producer.lock().send_result(record).map_err(|(error, _)| error)?;
        let delivered = sending.await.map_err(|_| KafkaError::Canceled)?.map_err(|(error, _)| error)?;
        Ok(u64::try_from(delivered.offset).unwrap_or_default())
    }

    fn failed(&self, error: KafkaError, topic: &str, size: usize) -> PublishError {
        use RDKafkaErrorCode::{
            BrokerTransportFailure, Fatal, MessageSizeTooLarge, MessageTimedOut, OperationTimedOut,
            QueueFull, RequestTimedOut, UnknownTopic, UnknownTopicOrPartition,
        };
        match error.rdkafka_error_code() {
            Some(MessageSizeTooLarge) => return PublishError::TooLarge(size),
            Some(QueueFull) => return PublishError::Full,
            Some(UnknownTopic | UnknownTopicOrPartition) => self.topics.forget(topic),
            // A topic that is not there any more shows like this too: the client waits for it to appear.
            Some(MessageTimedOut) => {
                self.topics.forget(topic);
                self.reach.down(&error);
            }
            Some(BrokerTransportFailure | Fatal | OperationTimedOut | RequestTimedOut) => {
                self.reach.down(&error);
            }
            _ => {}
        }
        PublishError::Kafka(error)
    }

    /// Asks the brokers for a sign of life. Blocks until it comes or `timeout` is over.
    pub(super) fn probe(&self, timeout: Duration) -> KafkaResult<()> {
        let producer = self.producer.lock().clone();
        producer.client().fetch_metadata(None, timeout).map(drop)
    }

    /// A producer that had a fatal error publishes nothing ever again.
    fn replace_if_broken(&self) -> KafkaResult<()> {
        let Some((_, reason)) = self.producer.lock().client().fatal_error() else { return Ok(()) };
        tracing::error!(reason, "the Kafka producer is broken and replaced");
        let successor = self.config.producer().create_with_context(Context(Arc::clone(&self.reach)))?;
        let broken = std::mem::replace(&mut *self.producer.lock(), successor);
        drop(broken);
        Ok(())
    }
}

/// Settles every doubt about whether the brokers are there, for as long as somebody publishes.
pub(super) async fn keep_watch(publisher: Weak<Publisher>, reach: Arc<Reach>) {
    loop {
        reach.doubted().await;
        loop {
            let Some(publisher) = publisher.upgrade() else { return };
            let probing = spawn_blocking(move || {
                publisher.replace_if_broken()?;
                publisher.probe(PROBE)
            });
            match probing.await {
                Ok(Ok(())) => break reach.up(),
                Ok(Err(error)) => reach.down(&error),
                Err(_) => return,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
