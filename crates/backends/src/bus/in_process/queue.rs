//! One topic: its messages in order, its reader, and the rule that only one thread delivers at a time.
//!
//! No lock is held while a consumer works, so it may publish, grant or subscribe: a thread that finds
//! another one (or itself, further up) delivering leaves its message to that one.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use whirl_model::{ActivationId, ActivationRecord, Position, Topic};

use super::bus_error;
use crate::bus::{BusError, Consumer, Delivery, Message, NeedlessReceipt, Progress, Receipt};
use crate::journal::Journal;

pub(super) struct Queue {
    topic: Topic,
    journal: Option<Arc<Journal>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By number: those before `next` are with the reader and have not ended, the others wait.
    messages: BTreeMap<u64, (Message, Progress)>,
    next: u64,
    published: u64,
    reader: Option<Reader>,
    readers: u64,
    delivering: bool,
}

struct Reader {
    number: u64,
    consumer: Arc<dyn Consumer>,
    credit: usize,
}

impl Queue {
    pub(super) fn new(topic: Topic, journal: Option<Arc<Journal>>) -> Self {
        Self { topic, journal, state: Mutex::default() }
    }

    /// Puts a message at the end. Its place.
    pub(super) fn push(&self, message: Message, progress: Progress) -> Position {
        let mut state = self.state.lock();
        let number = state.published;
        state.published += 1;
        state.messages.insert(number, (message, progress));
        Position(number)
    }

    /// Delivers what the reader has credit for, unless someone is at it.
    pub(super) fn deliver(self: &Arc<Self>) {
        loop {
            let next = self.state.lock().begin_delivery();
            let Some((number, consumer, message, progress)) = next else { return };
            let _turn = Turn(self);
            let receipt = self.receipt(number, &message);
            let position = Position(number);
            consumer.deliver(Delivery { message, position, published: None, progress, receipt });
        }
    }

    fn receipt(self: &Arc<Self>, number: u64, message: &Message) -> Arc<dyn Receipt> {
        match message {
            Message::Acknowledgement(_) => Arc::new(NeedlessReceipt),
            Message::Activation(activation) => {
                let id = activation.activation_id;
                Arc::new(ActivationReceipt { queue: Arc::clone(self), number, id })
            }
        }
    }

    /// A new reader takes the place of any other and gets everything that has not ended. Its number.
    pub(super) fn read_from_now_on(&self, consumer: Arc<dyn Consumer>, credit: usize) -> u64 {
        let mut state = self.state.lock();
        state.readers += 1;
        let number = state.readers;
        let before = state.reader.replace(Reader { number, consumer, credit });
        state.next = 0;
        drop(state);
        drop(before);
        number
    }

    pub(super) fn grant(&self, reader: u64, credit: usize) {
        if let Some(reader) = self.state.lock().reader.as_mut().filter(|r| r.number == reader) {
            reader.credit = reader.credit.saturating_add(credit);
        }
    }

    pub(super) fn stop_reading(&self, reader: u64) {
        let stopped = self.state.lock().reader.take_if(|r| r.number == reader);
        drop(stopped);
    }

    /// From now on a new delivery of this message says so.
    fn may_have_started(&self, number: u64) {
        if let Some((_, progress)) = self.state.lock().messages.get_mut(&number) {
            *progress = Progress::MayHaveStarted;
        }
    }

    /// How far an activation got, if it is here. Looks at all messages.
    pub(super) fn progress(&self, id: ActivationId) -> Option<Progress> {
        let state = self.state.lock();
        let is_it = |message: &Message| matches!(message, Message::Activation(a) if a.activation_id == id);
        state.messages.values().find(|(message, _)| is_it(message)).map(|(_, progress)| *progress)
    }

    /// This message is not delivered again.
    fn ended(&self, number: u64) {
        let ended = self.state.lock().messages.remove(&number);
        drop(ended);
    }
}

impl State {
    /// The next message and who gets it, if there is credit and nobody is delivering. An activation stays
    /// until it ends.
    fn begin_delivery(&mut self) -> Option<(u64, Arc<dyn Consumer>, Message, Progress)> {
        let reader = self.reader.as_mut().filter(|reader| reader.credit > 0 && !self.delivering)?;
        let (number, (message, progress)) = self.messages.range(self.next..).next()?;
        let (number, message, progress) = (*number, message.clone(), *progress);
        let consumer = Arc::clone(&reader.consumer);
        reader.credit -= 1;
        self.next = number + 1;
        self.delivering = true;
        if matches!(message, Message::Acknowledgement(_)) {
            self.messages.remove(&number);
        }
        Some((number, consumer, message, progress))
    }
}

/// One delivery. It ends when the consumer returns, also by a panic: the topic must not stand still.
struct Turn<'a>(&'a Queue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().delivering = false;
    }
}

/// What a reader tells the bus about an activation: passed on to its queue and to the journal.
struct ActivationReceipt {
    queue: Arc<Queue>,
    number: u64,
    id: ActivationId,
}

impl Receipt for ActivationReceipt {
    fn started(&self) -> Result<(), BusError> {
        if let Some(journal) = &self.queue.journal {
            journal.started(self.id).map_err(|e| bus_error(self.queue.topic, e))?;
        }
        self.queue.may_have_started(self.number);
        Ok(())
    }

    fn ended(&self, record: &ActivationRecord) {
        if let Some(journal) = &self.queue.journal
            && let Err(error) = journal.ended(record)
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(activation = %self.id, error, "how an activation ended could not be noted");
        }
        self.queue.ended(self.number);
    }

    fn recorded(&self) {
        self.queue.ended(self.number);
        if let Some(journal) = &self.queue.journal {
            journal.recorded(self.id);
        }
    }
}
