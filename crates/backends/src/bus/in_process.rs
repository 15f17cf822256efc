//! The bus of a single machine: typed values handed over in memory, activations noted in a journal.
//!
//! A message that its reader has credit for is delivered on the publisher's own thread.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use whirl_model::{ActivationId, ActivationMessage, EntityChange, Position, Topic};

use super::listeners::Listeners;
use super::{Bus, BusError, Consumer, Durability, Listener, Listening, Message, Progress, Subscription};
use crate::journal::{Journal, JournalError, Unfinished};

mod queue;

use queue::Queue;

/// All topics of one process. Without a journal nothing outlives the process, whatever durability is asked.
pub struct InProcessBus {
    topics: Mutex<HashMap<Topic, Arc<Queue>>>,
    listeners: Listeners,
    journal: Option<Arc<Journal>>,
}

impl InProcessBus {
    /// A bus on a journal, with what an earlier process left in it; or one on memory alone.
    #[must_use]
    pub fn new(journal: Option<(Arc<Journal>, Vec<Unfinished>)>) -> Arc<Self> {
        let (journal, unfinished) = journal.unzip();
        let bus = Self { topics: Mutex::default(), listeners: Listeners::default(), journal };
        for Unfinished { topic, message, progress } in unfinished.into_iter().flatten() {
            bus.queue(topic).push(Message::Activation(message), progress);
        }
        Arc::new(bus)
    }

    fn queue(&self, topic: Topic) -> Arc<Queue> {
        let mut topics = self.topics.lock();
        Arc::clone(topics.entry(topic).or_insert_with(|| Arc::new(Queue::new(topic, self.journal.clone()))))
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn publish(
        &self,
        topic: Topic,
        message: Message,
        durability: Durability,
    ) -> Result<Position, BusError> {
        let queue = self.queue(topic);
        if let (Some(journal), Message::Activation(activation)) = (&self.journal, &message) {
            accept(journal, topic, activation, durability).await.map_err(|e| bus_error(topic, e))?;
        }
        let position = queue.push(message, Progress::NotStarted);
        queue.deliver();
        Ok(position)
    }

    async fn make_durable(&self, topic: Topic) -> Result<(), BusError> {
        match (&self.journal, topic) {
            (Some(journal), Topic::Activations(_) | Topic::Sequences(_)) => {
                journal.make_all_durable().await.map_err(|e| bus_error(topic, e))
            }
            _ => Ok(()),
        }
    }

    fn subscribe(&self, topic: Topic, consumer: Arc<dyn Consumer>, credit: usize) -> Box<dyn Subscription> {
        let queue = self.queue(topic);
        let reader = queue.read_from_now_on(consumer, credit);
        queue.deliver();
        Box::new(Reading { queue, reader })
    }

    fn progress(&self, activation: ActivationId) -> Option<Progress> {
        let queues: Vec<_> = self.topics.lock().values().map(Arc::clone).collect();
        let waiting = queues.iter().find_map(|queue| queue.progress(activation));
        // It has left its queue when it has ended, and the journal when its record is stored.
        let ended = || self.journal.as_ref().is_some_and(|journal| journal.has(activation));
        waiting.or_else(|| ended().then_some(Progress::MayHaveStarted))
    }

    async fn announce(&self, change: EntityChange) -> Result<(), BusError> {
        self.listeners.tell(&change);
        Ok(())
    }

    fn listen(&self, listener: Arc<dyn Listener>) -> Box<dyn Listening> {
        self.listeners.add(listener)
    }
}

async fn accept(
    journal: &Journal,
    topic: Topic,
    activation: &ActivationMessage,
    durability: Durability,
) -> Result<(), JournalError> {
    let place = journal.accepted(topic, activation)?;
    if durability == Durability::Machine {
        let mut pending = PendingAccept { journal, id: activation.activation_id, durable: false };
        journal.make_durable(place).await?;
        pending.durable = true;
    }
    Ok(())
}

/// An accept on its way to disk. Whoever gives up on it, or hears that it failed, has not been promised that
/// the activation runs: then it must not turn up at the next start either.
struct PendingAccept<'a> {
    journal: &'a Journal,
    id: ActivationId,
    durable: bool,
}

impl Drop for PendingAccept<'_> {
    fn drop(&mut self) {
        if !self.durable {
            self.journal.recorded(self.id);
        }
    }
}

fn bus_error(topic: Topic, error: JournalError) -> BusError {
    match error {
        JournalError::Full => BusError::Full,
        other => BusError::Unavailable { topic, source: Box::new(other) },
    }
}

struct Reading {
    queue: Arc<Queue>,
    reader: u64,
}

impl Subscription for Reading {
    fn grant(&self, credit: usize) {
        self.queue.grant(self.reader, credit);
        self.queue.deliver();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.queue.stop_reading(self.reader);
    }
}

#[cfg(test)]
mod tests;
