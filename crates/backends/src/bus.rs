//! The bus seam: ordered topics between controllers and invokers, and of a controller to itself.
//!
//! A message stays the bus's business until its [`Receipt`] says that it ended: an activation that was
//! published and not ended is delivered again when its reader comes back, and tells whether it may have
//! started. A reader gets only as many messages as it has given credit for.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use whirl_model::{
    Acknowledgement, ActivationId, ActivationMessage, ActivationRecord, EntityChange, Position, Topic,
};

pub mod in_process;
#[cfg(feature = "kafka")]
pub mod kafka;
mod listeners;

/// What goes over a topic.
#[derive(Clone, Debug)]
pub enum Message {
    /// To an invoker, or to the controller that runs it as it is made of others.
    Activation(Arc<ActivationMessage>),
    /// To a controller.
    Acknowledgement(Arc<Acknowledgement>),
}

/// How safe a message has to be before `publish` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives the process (kill -9), not necessarily the machine. Enough while a caller waits.
    Process,
    /// It survives a power cut: the bus has it on disk. What a 202 promises.
    Machine,
}

/// How far an earlier delivery of the message got. A bus that does not know says
/// [`MayHaveStarted`](Self::MayHaveStarted) of every message that was delivered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It certainly was not started.
    NotStarted,
    /// It was, or may have been, started; whether it did anything is unknown.
    MayHaveStarted,
}

/// Why the bus did not take a message.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus cannot be written now; the same call may succeed later.
    #[error("the bus does not take messages for {topic} now")]
    Unavailable {
        /// The topic.
        topic: Topic,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is waiting has reached the bus's limit.
    #[error("the bus is full")]
    Full,
    /// Word of a change cannot be spread now; the same call may succeed later.
    #[error("the bus does not take word of changes now")]
    Unannounced(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bus never takes a message of this size. An acknowledgement may do without its record.
    #[error("a message of {bytes} bytes is too large for {topic}")]
    TooLarge {
        /// The topic.
        topic: Topic,
        /// Bytes of the message as the bus would send it.
        bytes: usize,
    },
}

impl BusError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::TooLarge { .. })
    }
}

/// One message for its reader.
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Its place in the topic.
    pub position: Position,
    /// When it was published, by the publisher's clock; `None` where it is handed over as it is published.
    pub published: Option<SystemTime>,
    /// How far an earlier delivery got.
    pub progress: Progress,
    /// What the reader tells the bus about it. An acknowledgement's receipt needs no telling.
    pub receipt: Arc<dyn Receipt>,
}

/// What a reader tells the bus about an activation. In order: started, ended, recorded.
pub trait Receipt: Send + Sync {
    /// It is about to start: from now on a new delivery says [`Progress::MayHaveStarted`].
    ///
    /// # Errors
    /// When this cannot be noted; then the activation must not start.
    fn started(&self) -> Result<(), BusError>;

    /// It ended so: should the process die before the record is stored, this one is stored in its place.
    fn ended(&self, record: &ActivationRecord);

    /// Its record is stored, or none will be: the bus forgets it.
    fn recorded(&self);
}

/// The receipt of an acknowledgement, which is done with when it is delivered.
struct NeedlessReceipt;

impl Receipt for NeedlessReceipt {
    fn started(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn ended(&self, _record: &ActivationRecord) {}

    fn recorded(&self) {}
}

/// Who reads a topic.
pub trait Consumer: Send + Sync {
    /// Takes one message. Must not block: it starts what there is to do and returns. It is called within a
    /// tokio runtime, in process on the thread of whoever publishes, subscribes or grants; over a network on the
    /// runtime that the bus was connected in. It may do any of these itself; what that would deliver to the same
    /// topic comes after it has returned. One call at a time per topic.
    fn deliver(&self, delivery: Delivery);
}

/// A topic being read. Dropping it ends the reading, after the delivery that may be under way; messages wait
/// for the next reader.
pub trait Subscription: Send + Sync {
    /// Lets so many more messages be delivered.
    fn grant(&self, credit: usize);
}

/// Who hears of changed entities.
pub trait Listener: Send + Sync {
    /// Takes one change. Must not block.
    fn changed(&self, change: &EntityChange);

    /// Changes may have been missed: whatever is remembered may be old.
    fn missed_some(&self);
}

/// A listener's attachment to the bus. Dropping it ends it.
pub trait Listening: Send + Sync {}

/// Ordered topics with one reader each, and word of changed entities for everyone.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Puts a message at a topic's end. When it returns `Ok` the message is as safe as `durability` says. When
    /// it returns an error, or is dropped before it returns, the message is not delivered in process, and may
    /// or may not be over a network (a [`BusError::TooLarge`] one never is). An activation's id is published once.
    async fn publish(
        &self,
        topic: Topic,
        message: Message,
        durability: Durability,
    ) -> Result<Position, BusError>;

    /// Makes what was published to the topic with [`Durability::Process`] safe against a power cut. An error
    /// says that some of it may not be.
    async fn make_durable(&self, topic: Topic) -> Result<(), BusError>;

    /// Starts reading a topic with so much credit. Takes the place of a reader that is still there.
    ///
    /// Of activations, first what an earlier reader left, then what comes. Of acknowledgements, everything that
    /// is published after this has returned; earlier ones may come or not, as nobody waits for them any more.
    /// Over a network this blocks the thread until the reader's place is known, for a moment while the bus is
    /// in reach; while it is not, reading starts once it is, and until then `publish` takes nothing.
    fn subscribe(&self, topic: Topic, consumer: Arc<dyn Consumer>, credit: usize) -> Box<dyn Subscription>;

    /// Tells all listeners, the caller's own and those of other processes, of a change. Returns when the bus
    /// has it and the caller's own have heard of it; others hear at the same moment or a little later.
    async fn announce(&self, change: EntityChange) -> Result<(), BusError>;

    /// Hears of every change that is announced from now on. Blocks as `subscribe` does.
    fn listen(&self, listener: Arc<dyn Listener>) -> Box<dyn Listening>;

    /// How far an activation got that was published and has no record yet; `None` if there is no such, or
    /// always, where a bus does not know.
    fn progress(&self, _activation: ActivationId) -> Option<Progress> {
        None
    }

    /// Why the bus takes no messages now, for people; `None` while it does, as far as is known. Costs nothing.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Waits until what readers have told the bus is safe. For the end of a process, after its subscriptions are
    /// dropped and what they had is recorded; what cannot be told within a few seconds is left.
    async fn close(&self) {}
}
