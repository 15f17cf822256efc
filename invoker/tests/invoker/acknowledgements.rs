//! Acknowledgements that the bus does not take as they are, or not now.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use whirl_backends::bus::{Bus, BusError, Consumer, Durability, Listener, Listening, Message, Subscription};
use whirl_model::{EntityChange, Position, Topic};

use crate::world::{Setting, World};

type Judge = Box<dyn Fn(Topic, &Message) -> Result<(), BusError> + Send + Sync>;

/// A bus that takes only what its judge lets through.
struct Strict(Arc<dyn Bus>, Judge);

#[async_trait]
impl Bus for Strict {
    async fn publish(
        &self,
        topic: Topic,
        message: Message,
        durability: Durability,
    ) -> Result<Position, BusError> {
        (self.1)(topic, &message)?;
        self.0.publish(topic, message, durability).await
    }
    async fn make_durable(&self, topic: Topic) -> Result<(), BusError> {
        self.0.make_durable(topic).await
    }
    fn subscribe(&self, topic: Topic, consumer: Arc<dyn Consumer>, credit: usize) -> Box<dyn Subscription> {
        self.0.subscribe(topic, consumer, credit)
    }
    async fn announce(&self, change: EntityChange) -> Result<(), BusError> {
        self.0.announce(change).await
    }
    fn listen(&self, listener: Arc<dyn Listener>) -> Box<dyn Listening> {
        self.0.listen(listener)
    }
}

#[tokio::test]
async fn one_that_is_too_large_goes_without_its_record() {
    let wrap_bus = |bus| -> Arc<dyn Bus> {
        let judge = |topic, message: &Message| match message {
            Message::Acknowledgement(ack) if ack.record.is_some() => {
                Err(BusError::TooLarge { topic, bytes: 2 << 20 })
            }
            _ => Ok(()),
        };
        Arc::new(Strict(bus, Box::new(judge)))
    };
    let mut world = World::start(Setting { wrap_bus, ..Setting::default() }).await;
    let action = world.action("large");
    let message = world.message(&action, "{}").await;
    let id = world.publish(message).await;
    let acknowledgement = world.acknowledgement().await;
    assert_eq!((acknowledgement.activation_id, &acknowledgement.record), (id, &None));
    assert!(acknowledgement.completed);
    world.stored(id).await;
}

#[tokio::test]
async fn one_that_the_bus_cannot_take_now_comes_later() {
    let wrap_bus = |bus| -> Arc<dyn Bus> {
        let tries = AtomicUsize::new(0);
        let judge = move |topic, _: &Message| match tries.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err(BusError::Unavailable { topic, source: std::io::Error::other("no broker").into() }),
            _ => Ok(()),
        };
        Arc::new(Strict(bus, Box::new(judge)))
    };
    let mut world = World::start(Setting { wrap_bus, ..Setting::default() }).await;
    let action = world.action("hello");
    let record = world.invoke(&action, "{}").await;
    assert_eq!(world.stored(record.activation_id).await.response, record.response);
}
