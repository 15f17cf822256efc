//! A topic's reader at work: it takes what the consumer has credit for, and hands it over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::AbortHandle;
use whirl_model::wire::Wire;
use whirl_model::{Acknowledgement, ActivationMessage, Position};

use super::ledger::{Ledger, LedgerReceipt};
use super::reader::{Found, Reader, Start};
use crate::bus::{Consumer, Delivery, Message, NeedlessReceipt, Progress, Subscription};

/// What a subscription and its task share.
pub(super) struct Counter {
    credit: watch::Sender<usize>,
    closed: AtomicBool,
}

impl Counter {
    pub(super) fn new(credit: usize) -> Arc<Self> {
        Arc::new(Self { credit: watch::Sender::new(credit), closed: AtomicBool::new(false) })
    }

    /// Nothing is delivered any more but what is being delivered.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Takes one credit when there is one; `false` once nothing is wanted any more.
    async fn take(&self) -> bool {
        // The sender is here, so that it does not close.
        let _ = self.credit.subscribe().wait_for(|credit| *credit > 0).await;
        self.credit.send_modify(|credit| *credit = credit.saturating_sub(1));
        !self.closed.load(Ordering::Acquire)
    }
}

/// See [`Subscription`].
pub(super) struct Feeding {
    pub(super) counter: Arc<Counter>,
    pub(super) task: AbortHandle,
}

impl Subscription for Feeding {
    fn grant(&self, credit: usize) {
        self.counter.credit.send_modify(|before| *before = before.saturating_add(credit));
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        self.counter.close();
        self.task.abort();
    }
}

/// Who gets what is read.
pub(super) struct Feed {
    pub(super) counter: Arc<Counter>,
    pub(super) consumer: Arc<dyn Consumer>,
}

impl Feed {
    /// Delivers activations until its task is aborted. `open_ledger` makes the ledger of a reader's new place.
    pub(super) async fn activations(
        self,
        mut reader: Reader,
        mut ledger: Arc<Ledger>,
        open_ledger: impl Fn(&Reader) -> Arc<Ledger>,
    ) {
        loop {
            match reader.next::<ActivationMessage>(Start::Committed).await {
                Found::Message { offset, published, message } => {
                    let Some(progress) = ledger.deliver(offset) else { continue };
                    let receipt = Arc::new(LedgerReceipt { ledger: Arc::clone(&ledger), offset });
                    let message = Message::Activation(Arc::new(message));
                    let position = Position(offset);
                    let delivery = Delivery { message, position, published, progress, receipt };
                    if !self.deliver(delivery).await {
                        return;
                    }
                }
                Found::Unreadable { offset } => {
                    ledger.deliver(offset);
                    ledger.recorded(offset);
                }
                Found::Missed => ledger = open_ledger(&reader),
            }
        }
    }

    /// Delivers acknowledgements until its task is aborted.
    pub(super) async fn acknowledgements(self, mut reader: Reader) {
        loop {
            let found = reader.next::<Acknowledgement>(Start::Beginning).await;
            let Found::Message { offset, published, message } = found else { continue };
            let delivery = Delivery {
                message: Message::Acknowledgement(Arc::new(message)),
                position: Position(offset),
                published,
                progress: Progress::NotStarted,
                receipt: Arc::new(NeedlessReceipt),
            };
            if !self.deliver(delivery).await {
                return;
            }
        }
    }

    /// Hands over one message when there is credit; `false` once nothing is wanted any more.
    async fn deliver(&self, delivery: Delivery) -> bool {
        let wanted = self.counter.take().await;
        if wanted {
            self.consumer.deliver(delivery);
        }
        // A full topic must not keep the thread from everything else.
        tokio::task::coop::consume_budget().await;
        wanted
    }
}

/// The body of a message.
pub(super) fn body(message: &Message) -> Vec<u8> {
    match message {
        Message::Activation(activation) => activation.to_wire(),
        Message::Acknowledgement(acknowledgement) => acknowledgement.to_wire(),
    }
}
