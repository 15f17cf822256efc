//! Reading one Kafka topic from a place in it: how the place is found, and found anew when it is lost. What the
//! messages are for is the caller's business.
//!
//! Partitions are assigned, not subscribed to: a topic has one reader, and a group's rebalancing would only
//! delay it. The group's name is the topic's.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::runtime::Handle;
use whirl_model::wire::{Wire, WireError};

use super::config::KafkaConfig;
use super::reach::{Context, Reach, Unplaced};
use super::stamp;
use super::topics::{Channel, PARTITION, Topics};

/// Between two tries to find a place.
const PAUSE: Duration = Duration::from_millis(500);

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Where the last process committed.
    Committed,
    /// There.
    At(u64),
    /// With what is still there.
    Beginning,
    /// With what comes.
    End,
}

/// What a reader is made of.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) config: KafkaConfig,
    pub(super) topics: Arc<Topics>,
    pub(super) reach: Arc<Reach>,
    pub(super) runtime: Handle,
    pub(super) channel: Channel,
}

/// A reader with a place.
pub(super) struct Opened {
    pub(super) reading: Arc<Reading>,
    /// The first offset that it reads.
    pub(super) start: u64,
    /// Below this, messages may have been delivered to an earlier process.
    pub(super) foreign: u64,
}

/// The client of one reader.
pub(super) struct Reading {
    pub(super) topic: String,
    consumer: Option<StreamConsumer<Context>>,
}

impl Reading {
    fn consumer(&self) -> &StreamConsumer<Context> {
        self.consumer.as_ref().expect("taken on drop alone")
    }

    /// Commits one offset. Blocks for a round trip.
    pub(super) fn commit(&self, offset: u64) -> KafkaResult<()> {
        let mut offsets = TopicPartitionList::with_capacity(1);
        let offset = Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
        offsets.add_partition_offset(&self.topic, PARTITION, offset)?;
        self.consumer().commit(&offsets, CommitMode::Sync)
    }

    /// Reads no further. Commits are still possible.
    pub(super) fn end(&self) {
        if let Err(error) = self.consumer().unassign() {
            tracing::debug!(%error, topic = self.topic, "a reader could not be ended");
        }
    }
}

impl Drop for Reading {
    /// Closing waits for librdkafka's threads, which no runtime's thread should.
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        std::thread::spawn(move || drop(consumer));
    }
}

impl Opener {
    /// Finds the place; `Err` says what it takes to find it later. Blocks for some round trips; while the brokers
    /// are known to be away it does not even try.
    pub(super) fn open_now(&self, start: Start) -> Result<Opened, Unplaced> {
        if self.reach.trouble().is_some() {
            return Err(self.reach.unplaced());
        }
        self.open(start).map_err(|error| {
            self.not_opened(&error);
            self.reach.unplaced()
        })
    }

    /// Finds the place as soon as it can be found. While the brokers are known to be away they are not asked: an
    /// administrator's request makes librdkafka connect again and again, without a pause.
    pub(super) async fn open_later(&self, start: Start) -> Opened {
        loop {
            if !self.reach.is_down() {
                let opener = self.clone();
                match tokio::task::spawn_blocking(move || opener.open(start)).await {
                    Ok(Ok(opened)) => return opened,
                    Ok(Err(error)) => self.not_opened(&error),
                    Err(_) => tracing::debug!("the runtime is ending"),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn not_opened(&self, error: &KafkaError) {
        tracing::warn!(%error, topic = self.topics.name(self.channel), "a topic cannot be read yet");
    }

    fn open(&self, start: Start) -> KafkaResult<Opened> {
        let _runtime = self.runtime.enter();
        self.topics.ensure(self.channel)?;
        let topic = self.topics.name(self.channel);
        let consumer = self.config.consumer(&topic).create_with_context(Context(Arc::clone(&self.reach)))?;
        let reading = Reading { topic, consumer: Some(consumer) };
        let (low, high) = self.extent(&reading)?;
        let (start, foreign) = match start {
            Start::Committed => self.committed(&reading, low, high)?,
            Start::At(offset) => (offset, high),
            Start::Beginning => (low, high),
            Start::End => (high, high),
        };
        let mut place = TopicPartitionList::with_capacity(1);
        place.add_partition_offset(&reading.topic, PARTITION, Offset::Offset(signed(start)))?;
        reading.consumer().assign(&place)?;
        tracing::debug!(topic = reading.topic, start, low, high, "reading a topic");
        Ok(Opened { reading: Arc::new(reading), start, foreign })
    }

    /// The first offset that is there, and the first that is not there yet. A topic that was created a moment ago
    /// is not known to every broker.
    fn extent(&self, reading: &Reading) -> KafkaResult<(u64, u64)> {
        use RDKafkaErrorCode::{LeaderNotAvailable, NotLeaderForPartition};
        use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        let timeout = self.config.request_timeout();
        let deadline = Instant::now() + timeout;
        loop {
            match reading.consumer().fetch_watermarks(&reading.topic, PARTITION, timeout) {
                Ok((low, high)) => return Ok((unsigned(low), unsigned(high))),
                Err(error) => {
                    let code = error.rdkafka_error_code();
                    let soon = matches!(
                        code,
                        Some(
                            LeaderNotAvailable
                                | NotLeaderForPartition
                                | UnknownPartition
                                | UnknownTopic
                                | UnknownTopicOrPartition
                        )
                    );
                    if matches!(code, Some(UnknownTopic | UnknownTopicOrPartition))
                        && Instant::now() > deadline
                    {
                        self.topics.forget(&reading.topic);
                    }
                    if !soon || Instant::now() > deadline {
                        return Err(error);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    /// Where the last process stopped, and up to where it may have read. What nobody has ever read has a mark of
    /// its own: there is no commit, so one is made before the first message is delivered.
    fn committed(&self, reading: &Reading, low: u64, high: u64) -> KafkaResult<(u64, u64)> {
        let mut asked = TopicPartitionList::with_capacity(1);
        asked.add_partition(&reading.topic, PARTITION);
        let answer = reading.consumer().committed_offsets(asked, self.config.request_timeout())?;
        let committed = answer.find_partition(&reading.topic, PARTITION).map(|found| found.offset());
        match committed {
            Some(Offset::Offset(offset)) if (low..=high).contains(&unsigned(offset)) => {
                Ok((unsigned(offset), high))
            }
            Some(Offset::Offset(offset)) => {
                let topic = &reading.topic;
                tracing::error!(topic, offset, low, high, "messages were lost before they were recorded");
                Ok((low, high))
            }
            _ => {
                reading.commit(low)?;
                Ok((low, low))
            }
        }
    }
}

/// A topic being read.
pub(super) struct Reader {
    pub(super) opener: Opener,
    pub(super) opened: Opened,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.opened.reading.end();
    }
}

/// What a reader comes upon.
pub(super) enum Found<M> {
    /// A message.
    Message {
        /// Its offset.
        offset: u64,
        /// When it was published, by the publisher's clock.
        published: Option<SystemTime>,
        /// What it says.
        message: M,
    },
    /// Something that is no message of ours.
    Unreadable {
        /// Its offset.
        offset: u64,
    },
    /// Messages had gone before they were read. Reading goes on from a new place: [`Reader::opened`].
    Missed,
}

impl Reader {
    /// What comes next. After a loss it begins again at `anew`.
    pub(super) async fn next<M: Wire>(&mut self, anew: Start) -> Found<M> {
        loop {
            let error = match self.opened.reading.consumer().recv().await {
                Ok(record) => {
                    let offset = unsigned(record.offset());
                    return match M::from_wire(record.payload().unwrap_or_default()) {
                        Ok(message) => {
                            Found::Message { offset, published: stamp::read(record.headers()), message }
                        }
                        Err(error) => {
                            self.unreadable(offset, &error);
                            Found::Unreadable { offset }
                        }
                    };
                }
                Err(error) => error,
            };
            let code = error.rdkafka_error_code();
            // A topic that was deleted. Who reads on where it left off finds its place lost once the topic is
            // back; who only wants what is new would not notice.
            let gone = anew == Start::End
                && matches!(
                    code,
                    Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition)
                );
            if gone {
                self.opener.topics.forget(&self.opened.reading.topic);
            }
            let lost = gone || code == Some(RDKafkaErrorCode::AutoOffsetReset);
            if lost || matches!(error, KafkaError::MessageConsumptionFatal(_)) {
                let topic = &self.opened.reading.topic;
                tracing::error!(%error, topic, "the place in a topic is lost: reading begins anew");
                self.opened.reading.end();
                self.opened = self.opener.open_later(anew).await;
                return Found::Missed;
            }
            // Errors of connections: librdkafka goes on by itself.
            tracing::debug!(%error, topic = self.opened.reading.topic, "reading is hindered");
        }
    }

    fn unreadable(&self, offset: u64, error: &WireError) {
        let (topic, error) = (&self.opened.reading.topic, error as &dyn std::error::Error);
        tracing::error!(error, topic, offset, "a message is skipped");
    }
}

/// Kafka's offsets are signed, but none of a message is negative.
fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or_default()
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
