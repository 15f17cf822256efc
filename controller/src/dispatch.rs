//! The way of one activation from a checked request to an invoker and back. Nothing here reads the store.
//!
//! Who waits is entered before the activation is published, so that no result can come too early; once
//! publishing has begun it goes on even if the client goes away.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinError;
use whirl_backends::bus::{BusError, Durability, Message};
use whirl_model::{
    ActivationId, ActivationMessage, ActivationRecord, Arguments, Caller, Epoch, Position, Topic,
};

use crate::action_cache::StoredAction;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::transaction::Transaction;

/// An activation that a caller may have.
pub(crate) struct Invocation {
    /// What to run.
    pub(crate) action: Arc<StoredAction>,
    /// With what, over the action's own parameters.
    pub(crate) arguments: Arguments,
    /// For whom.
    pub(crate) caller: Arc<Caller>,
    /// By which request.
    pub(crate) transaction: Transaction,
    /// How long the caller waits for the result; `None` if it does not.
    pub(crate) wait: Option<Duration>,
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
        let wait = invocation.wait;
        let message = self.message(invocation);
        let id = message.activation_id;
        let result = self.accept_and_wait(Arc::new(message), wait).await;
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

    async fn accept_and_wait(
        &self,
        message: Arc<ActivationMessage>,
        wait: Option<Duration>,
    ) -> Result<Dispatched, ApiError> {
        if self.drain.is_draining() {
            return Err(ApiError::Draining);
        }
        let topic = Topic::Activations(self.invokers.choose(&message).ok_or(ApiError::NoInvoker)?);
        let id = message.activation_id;
        let Some(wait) = wait else {
            self.acknowledgements.expect_end(id, &message.action);
            self.publish(topic, message, Durability::Machine).await?;
            return Ok(Dispatched::Accepted(id));
        };
        let result = self.acknowledgements.expect_result(id, &message.action);
        self.publish(topic, message, Durability::Process).await?;
        if let Ok(Ok(record)) = tokio::time::timeout(wait, result).await {
            return Ok(Dispatched::Finished(record));
        }
        self.bus.make_durable(topic).await?;
        Ok(Dispatched::Accepted(id))
    }

    fn message(&self, invocation: Invocation) -> ActivationMessage {
        let action = &invocation.action.action;
        ActivationMessage {
            activation_id: ActivationId::from_bits(rand::random()),
            transaction: invocation.transaction.id,
            arrived: invocation.transaction.arrived,
            action: action.path.clone(),
            version: action.version,
            revision: invocation.action.revision.clone(),
            caller: Caller::clone(&invocation.caller),
            controller: self.id,
            epoch: Epoch::default(),
            blocking: invocation.wait.is_some(),
            arguments: invocation.arguments.over(&action.parameters),
            init_arguments: invocation.action.init_parameters.clone(),
            cause: None,
            trace_parent: invocation.trace_parent,
        }
    }

    async fn publish(
        &self,
        topic: Topic,
        message: Arc<ActivationMessage>,
        durability: Durability,
    ) -> Result<Position, BusError> {
        let (bus, acknowledgements) = (self.bus.clone(), self.acknowledgements.clone());
        to_its_end(topic, async move {
            let id = message.activation_id;
            let published = bus.publish(topic, Message::Activation(message), durability).await;
            if published.is_err() {
                acknowledgements.withdraw(id);
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
