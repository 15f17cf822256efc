//! The way of one activation from a checked request to who runs it and back: an invoker, or, if it is made of
//! others, this controller. Nothing here reads the store.
//!
//! Who waits is entered before the activation is published, so that no result can come too early; once
//! publishing has begun it goes on even if the client goes away.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinError;
use whirl_backends::bus::{BusError, Durability, Message};
use whirl_model::{
    ActivationId, ActivationMessage, ActivationRecord, Arguments, Caller, Epoch, Input, Keep, Position, Topic,
};

use crate::acknowledgements::{Flight, Post};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::identity::Identity;
use crate::invokers::Demand;
use crate::resolve::Resolved;
use crate::sequences::{Start, is_composite};
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

/// An activation without whoever waits for it.
pub(crate) struct Order {
    pub(crate) id: ActivationId,
    pub(crate) action: Resolved,
    /// With what, over all bound parameters.
    pub(crate) input: Input,
    pub(crate) identity: Identity,
    pub(crate) transaction: Transaction,
    pub(crate) cause: Option<ActivationId>,
    pub(crate) keep: Keep,
    pub(crate) trace_parent: Option<String>,
}

impl From<Invocation> for Order {
    fn from(invocation: Invocation) -> Self {
        let Invocation { id, action, arguments, identity, transaction, cause, keep, trace_parent, .. } =
            invocation;
        Self { id, action, input: arguments.into(), identity, transaction, cause, keep, trace_parent }
    }
}

/// What became of it.
pub(crate) enum Dispatched {
    /// It is accepted and will end in a record.
    Accepted(ActivationId),
    /// It ended while the caller waited.
    Finished(Arc<ActivationRecord>),
}

impl Api {
    /// Hands an activation to who runs it, and waits for its result if the caller does.
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
        let (id, wait) = (invocation.id, invocation.wait);
        if self.drain.is_draining() {
            return Err(ApiError::Draining);
        }
        let order = Order::from(invocation);
        let began = order.transaction.began;
        let (flight, topic) = self.destination(&order)?;
        let message = Arc::new(self.message(&flight, order, wait.is_some()));
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

    /// Hands a step of a sequence or composition to an invoker: a primitive action, or the conductor itself.
    /// Gives where its result comes.
    pub(crate) async fn run_step(
        &self,
        order: Order,
    ) -> Result<oneshot::Receiver<Arc<ActivationRecord>>, ApiError> {
        let flight = self.place(&order)?;
        let topic = flight.topic(self.id);
        let message = Arc::new(self.message(&flight, order, true));
        let result = self.acknowledgements.expect_result(flight);
        self.publish(topic, message, Durability::Process).await?;
        Ok(result)
    }

    /// Who runs the activation: an invoker, or this controller what is made of others.
    fn destination(&self, order: &Order) -> Result<(Flight, Topic), ApiError> {
        let flight = if is_composite(order.action.action()) {
            self.records.have_room()?;
            let start = Start { action: order.action.clone(), identity: order.identity.clone() };
            self.sequences.expect(order.id, start);
            flight(order, None)
        } else {
            self.place(order)?
        };
        let topic = flight.topic(self.id);
        Ok((flight, topic))
    }

    /// Reserves an invoker's place for the activation.
    fn place(&self, order: &Order) -> Result<Flight, ApiError> {
        let (id, action) = (order.id, order.action.action());
        let deadline = self.deadline(order);
        let namespace = order.identity.namespace();
        let life = self.invokers.place(&Demand { activation: id, namespace, action, deadline })?;
        Ok(flight(order, Some(Post { life, deadline })))
    }

    /// When the activation is given up: `/init` and `/run` may take the action's time limit each.
    fn deadline(&self, order: &Order) -> Instant {
        let limit = Duration::from_millis(order.action.action().limits.timeout.into());
        order.transaction.began + 2 * limit + self.lost_after
    }

    fn message(&self, flight: &Flight, order: Order, blocking: bool) -> ActivationMessage {
        let Order { action: resolved, identity, transaction, .. } = order;
        let action = resolved.action();
        let (epoch, init_arguments, arguments) = match flight.post {
            Some(Post { life, .. }) => {
                (life.epoch, resolved.init_parameters(), with_parameters(&resolved, order.input))
            }
            // A sequence hands on what it is invoked with; a conductor's parameters join at each of its runs.
            None => (Epoch::default(), Vec::new(), order.input),
        };
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
            blocking,
            init_arguments,
            arguments,
            cause: order.cause,
            binding: resolved.binding.clone(),
            keep: order.keep,
            trace_parent: order.trace_parent,
        }
    }

    async fn publish(
        &self,
        topic: Topic,
        message: Arc<ActivationMessage>,
        durability: Durability,
    ) -> Result<Position, BusError> {
        let (bus, invokers) = (self.bus.clone(), self.invokers.clone());
        let (acknowledgements, sequences) = (self.acknowledgements.clone(), self.sequences.clone());
        let confirmation = self.metrics.stages.confirmation.clone();
        to_its_end(topic, async move {
            let id = message.activation_id;
            let handed_over = Instant::now();
            let published = bus.publish(topic, Message::Activation(message), durability).await;
            match &published {
                Ok(position) => {
                    confirmation.observe(handed_over.elapsed().as_secs_f64());
                    if let Topic::Activations(_) = topic {
                        invokers.published(id, *position);
                    }
                }
                Err(_) => {
                    acknowledgements.withdraw(id);
                    match topic {
                        Topic::Activations(_) => invokers.withdraw(id),
                        _ => sequences.withdraw(id),
                    }
                }
            }
            published
        })
        .await
    }
}

/// What is known of an activation that is about to be published.
fn flight(order: &Order, post: Option<Post>) -> Flight {
    let action = order.action.action();
    Flight {
        id: order.id,
        action: action.path.clone(),
        version: action.version,
        caller: Arc::clone(&order.identity.caller),
        arrived: order.transaction.arrived,
        cause: order.cause,
        binding: order.action.binding.clone(),
        keep: order.keep,
        post,
    }
}

/// Parameters are merged under an object; an array is passed on as it is.
fn with_parameters(resolved: &Resolved, input: Input) -> Input {
    match input {
        Input::Object(payload) => resolved.arguments(payload).into(),
        Input::Array(_) => input,
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
