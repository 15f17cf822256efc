//! Sends acknowledgements, and sends again what the bus did not take: whoever waits is answered once it is back.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use whirl_backends::bus::{Bus, BusError, Durability, Message};
use whirl_model::{Acknowledgement, Topic};

use crate::metrics::InvokerMetrics;

/// The waits between attempts while the bus is away.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// The way to the controllers. Clones share it.
#[derive(Clone)]
pub(crate) struct Acknowledgements {
    bus: Arc<dyn Bus>,
    metrics: InvokerMetrics,
    background: Handle,
    /// How many the bus has not taken yet.
    late: Arc<watch::Sender<usize>>,
}

impl Acknowledgements {
    pub(crate) fn new(bus: Arc<dyn Bus>, metrics: InvokerMetrics, background: Handle) -> Self {
        Self { bus, metrics, background, late: Arc::new(watch::Sender::new(0)) }
    }

    /// Sends one. Returns when the bus has it; or at once if the bus cannot take it now, and then goes on
    /// trying in the background.
    pub(crate) async fn send(&self, topic: Topic, acknowledgement: Acknowledgement) {
        let acknowledgement = Arc::new(acknowledgement);
        if let Err(unsent) = self.attempt(topic, acknowledgement).await {
            self.late.send_modify(|late| *late += 1);
            let sender = self.clone();
            self.background.spawn(async move {
                sender.send_until_taken(topic, unsent).await;
                sender.late.send_modify(|late| *late -= 1);
            });
        }
    }

    /// Waits until the bus has all of them.
    pub(crate) async fn all_sent(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.late.subscribe().wait_for(|late| *late == 0).await;
    }

    async fn send_until_taken(&self, topic: Topic, mut unsent: Arc<Acknowledgement>) {
        let mut pause = FIRST_RETRY;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_RETRY);
            match self.attempt(topic, unsent).await {
                Ok(()) => return,
                Err(again) => unsent = again,
            }
        }
    }

    /// One try; gives back what to try again.
    async fn attempt(
        &self,
        topic: Topic,
        acknowledgement: Arc<Acknowledgement>,
    ) -> Result<(), Arc<Acknowledgement>> {
        let Err(error) = self.publish(topic, &acknowledgement).await else { return Ok(()) };
        let activation = acknowledgement.activation_id;
        if matches!(error, BusError::TooLarge { .. }) && acknowledgement.record.is_some() {
            // The caller is told that it ended, and finds the record in the store.
            tracing::info!(%activation, "a result is too large for the bus, and goes without its record");
            let bare = Arc::new(Acknowledgement { record: None, ..Arc::unwrap_or_clone(acknowledgement) });
            return self.publish(topic, &bare).await.or_else(|error| self.unless_hopeless(&error, bare));
        }
        self.unless_hopeless(&error, acknowledgement)
    }

    fn unless_hopeless(
        &self,
        error: &BusError,
        acknowledgement: Arc<Acknowledgement>,
    ) -> Result<(), Arc<Acknowledgement>> {
        self.metrics.acknowledgement_failures.inc();
        let (cause, activation) = (error as &dyn std::error::Error, acknowledgement.activation_id);
        if error.is_retryable() {
            tracing::warn!(error = cause, %activation, "an acknowledgement was not sent; trying again");
            Err(acknowledgement)
        } else {
            tracing::error!(error = cause, %activation, "an acknowledgement cannot be sent");
            Ok(())
        }
    }

    async fn publish(&self, topic: Topic, acknowledgement: &Arc<Acknowledgement>) -> Result<(), BusError> {
        let message = Message::Acknowledgement(Arc::clone(acknowledgement));
        self.bus.publish(topic, message, Durability::Process).await.map(drop)
    }
}
