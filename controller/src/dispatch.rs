//! The way of one activation from a checked request to an invoker and back. Nothing here reads the store.
//!
//! Who waits is entered before the activation is published, so that no result can come too early; once
//! publishing has begun it goes on even if the client goes away.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::JoinError;
use whirl_backends::bus::{BusError, Durability, Message};
use whirl_model::{
    ActivationId, ActivationMessage, ActivationRecord, Arguments, Caller, Keep, Position, Topic,
};

use crate::acknowledgements::Flight;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::identity::Identity;
use crate::invokers::{Demand, Life};
use crate::resolve::Resolved;
use crate::transaction::Transaction;

/// An activation that a caller may have.
pub(crate) struct Invocation {
    /// Its id: random, or known to who asks for it.
    pub(crate) id: ActivationId,
    /// What to run.
    pub(crate) action: Resolved,
    /// With what, over all bound parameters.
    pub(crate) arguments: Arguments,
    /// For whom.
    pub(crate) identity: Identity,
    /// By which request.
    pub(crate) transaction: Transaction,
    /// How long the caller waits for the result; `None` if it does not.
    pub(crate) wait: Option<Duration>,
    /// The activation that this one is a step of.
    pub(crate) cause: Option<ActivationId>,
    /// Which outcomes get a record.
    pub(crate) keep: Keep,
    /// The request's W3C `traceparent`.
    pub(crate) trace_parent: Option<String>,
}

/// What became of it.
pub(crate) enum Dispatched {
    /// It is accepted and will end in a record.
    Accepted(ActivationId),
    /// It ended while the caller waited.
    Finished(Arc<ActivationRecord>),
}

impl Api {
    /// Hands an activation to an invoker, and waits for its result if the caller does.
    pub(crate) async fn dispatch(&self, invocation: Invocation) -> Result<Dispatched, ApiError> {
        let id = invocation.id;
        let result = self.accept_and_wait(invocation).await;
        match &result {
            Ok(Dispatched::Accepted(_)) => self.metrics.accepted.inc(),
            Ok(Dispatched::Finished(_)) => self.metrics.finished.inc(),
            Err(error) => {
                tracing::debug!(activation = %id, %error, "not accepted");
                self.metrics.refused.inc();
            }
        }
        result
    }

    async fn accept_and_wait(&self, invocation: Invocation) -> Result<Dispatched, ApiError> {
        let id = invocation.id;
        if self.drain.is_draining() {
            return Err(ApiError::Draining);
        }
        let flight = self.place(&invocation)?;
        let topic = Topic::Activations(flight.life.invoker);
        let (wait, began) = (invocation.wait, invocation.transaction.began);
        let message = Arc::new(self.message(&flight, invocation));
        self.metrics.stages.request.observe(began.elapsed().as_secs_f64());
        let Some(wait) = wait else {
            self.acknowledgements.expect_end(flight);
            self.publish(topic, message, Durability::Machine).await?;
            return Ok(Dispatched::Accepted(id));
        };
        let result = self.acknowledgements.expect_result(flight);
        self.publish(topic, message, Durability::Process).await?;
        if let Ok(Ok(record)) = tokio::time::timeout(wait, result).await {
            return Ok(Dispatched::Finished(record));
        }
        self.bus.make_durable(topic).await?;
        Ok(Dispatched::Accepted(id))
    }

    /// Reserves an invoker's place for the activation.
    fn place(&self, invocation: &Invocation) -> Result<Flight, ApiError> {
        let (id, action) = (invocation.id, invocation.action.action());
        let deadline = self.deadline(invocation);
        let namespace = invocation.identity.namespace();
        let life = self.invokers.place(&Demand { activation: id, namespace, action, deadline })?;
        Ok(Flight {
            id,
            action: action.path.clone(),
            version: action.version,
            caller: Arc::clone(&invocation.identity.caller),
            arrived: invocation.transaction.arrived,
            life,
            deadline,
        })
    }

    /// When the activation is given up: `/init` and `/run` may take the action's time limit each.
    fn deadline(&self, invocation: &Invocation) -> Instant {
        let limit = Duration::from_millis(invocation.action.action().limits.timeout.into());
        invocation.transaction.began + 2 * limit + self.lost_after
    }

    fn message(&self, flight: &Flight, invocation: Invocation) -> ActivationMessage {
        let Invocation { action: resolved, identity, transaction, .. } = invocation;
        let action = resolved.action();
        let Life { epoch, .. } = flight.life;
        ActivationMessage {
            activation_id: flight.id,
            transaction: transaction.id,
            arrived: transaction.arrived,
            action: action.path.clone(),
            version: action.version,
            revision: resolved.stored.revision.clone(),
            caller: Caller::clone(&identity.caller),
            controller: self.id,
            epoch,
            blocking: invocation.wait.is_some(),
            init_arguments: resolved.init_parameters(),
            arguments: resolved.arguments(invocation.arguments),
            cause: invocation.cause,
            binding: resolved.binding.clone(),
            keep: invocation.keep,
            trace_parent: invocation.trace_parent,
        }
    }

    async fn publish(
        &self,
        topic: Topic,
        message: Arc<ActivationMessage>,
        durability: Durability,
    ) -> Result<Position, BusError> {
        let (bus, invokers) = (self.bus.clone(), self.invokers.clone());
        let acknowledgements = self.acknowledgements.clone();
        let confirmation = self.metrics.stages.confirmation.clone();
        to_its_end(topic, async move {
            let id = message.activation_id;
            let handed_over = Instant::now();
            let published = bus.publish(topic, Message::Activation(message), durability).await;
            match &published {
                Ok(position) => {
                    confirmation.observe(handed_over.elapsed().as_secs_f64());
                    invokers.published(id, *position);
                }
                Err(_) => {
                    acknowledgements.withdraw(id);
                    invokers.withdraw(id);
                }
            }
            published
        })
        .await
    }
}

/// Runs what publishes to a topic: here if it need not wait, else as a task that goes on to its end even if
/// this is dropped meanwhile.
async fn to_its_end(
    topic: Topic,
    publishing: impl Future<Output = Result<Position, BusError>> + Send + 'static,
) -> Result<Position, BusError> {
    let mut publishing = Box::pin(publishing);
    if let Poll::Ready(published) = futures::poll!(&mut publishing) {
        return published;
    }
    let unavailable = |source: JoinError| BusError::Unavailable { topic, source: source.into() };
    tokio::spawn(publishing).await.map_err(unavailable)?
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::sync::oneshot;
    use whirl_model::InvokerId;

    use super::*;

    const TOPIC: Topic = Topic::Activations(InvokerId(0));

    #[tokio::test]
    async fn what_need_not_wait_is_done_at_once() {
        let published = to_its_end(TOPIC, async { Err(BusError::Full) }).now_or_never();
        assert!(matches!(published, Some(Err(BusError::Full))));
    }

    #[tokio::test]
    async fn what_has_begun_goes_on_without_its_caller() {
        let (disk, written) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let publishing = to_its_end(TOPIC, async move {
            written.await.expect("the disk answers");
            done.send(()).expect("the test listens");
            Ok(Position(0))
        });
        assert!(publishing.now_or_never().is_none(), "it waits, and is dropped here");
        disk.send(()).unwrap();
        is_done.await.unwrap();
    }
}
