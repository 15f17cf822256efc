//! The in-process bus: the contract with and without a journal, and what is its own: deliveries on the
//! publisher's thread, and what a next process finds.

use std::thread::{self, ThreadId};

use futures::FutureExt;
use tokio::sync::mpsc;

use whirl_model::InvokerId;

use super::*;
use crate::bus::Delivery;
use crate::contract::bus::{acknowledgement, activation, id_of};
use crate::contract::{self, new_activation_id, new_namespace};
use crate::journal::JournalOptions;

const INVOKER: Topic = Topic::Activations(InvokerId(0));
const ANSWERS: Topic = Topic::Acknowledgements(whirl_model::ControllerId(0));

const SEQUENCES: Topic = Topic::Sequences(whirl_model::ControllerId(0));

fn journalled(dir: &std::path::Path, options: JournalOptions) -> (Arc<InProcessBus>, Vec<ActivationId>) {
    let (journal, recovered) = Journal::open(dir, options).unwrap();
    let ended = recovered.ended.iter().map(|record| record.activation_id).collect();
    (InProcessBus::new(Some((journal, recovered.unfinished))), ended)
}

#[tokio::test]
async fn keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let (on_disk, _) = journalled(dir.path(), JournalOptions::default());
    for bus in [InProcessBus::new(None), on_disk] {
        contract::bus::run(&(bus as Arc<dyn Bus>)).await;
    }
}

/// Notes who delivered; answers activations while they are being delivered.
struct Inline {
    bus: Arc<InProcessBus>,
    seen: mpsc::UnboundedSender<(ActivationId, ThreadId)>,
}

impl Consumer for Inline {
    fn deliver(&self, delivery: Delivery) {
        let id = id_of(&delivery.message);
        if matches!(delivery.message, Message::Activation(_)) {
            for topic in [INVOKER, ANSWERS] {
                let answer = self.bus.publish(topic, acknowledgement(id), Durability::Process);
                answer.now_or_never().expect("publishing in memory does not wait").unwrap();
            }
        }
        self.seen.send((id, thread::current().id())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deliveries_happen_inline_and_may_publish_to_the_topic_being_delivered() {
    let bus = InProcessBus::new(None);
    let (seen, mut inbox) = mpsc::unbounded_channel();
    let consumer = Arc::new(Inline { bus: bus.clone(), seen });
    let _readings = [INVOKER, ANSWERS].map(|topic| bus.subscribe(topic, consumer.clone(), usize::MAX));

    let id = new_activation_id();
    let published = bus.publish(INVOKER, Message::Activation(activation(id)), Durability::Process);
    published.now_or_never().expect("publishing in memory does not wait").unwrap();
    for _ in 0..3 {
        assert_eq!(inbox.try_recv().unwrap(), (id, thread::current().id()));
    }

    let publishers: Vec<_> = (0..4).map(|_| tokio::spawn(publish_many(bus.clone()))).collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    for _ in 0..4 * 50 * 3 {
        inbox.recv().await.unwrap();
    }
}

async fn publish_many(bus: Arc<InProcessBus>) {
    for _ in 0..50 {
        let message = Message::Activation(activation(new_activation_id()));
        bus.publish(INVOKER, message, Durability::Process).await.unwrap();
    }
}

struct Panicking;

impl Consumer for Panicking {
    fn deliver(&self, _: Delivery) {
        panic!("a consumer's mistake");
    }
}

struct Forwarding(mpsc::UnboundedSender<Delivery>);

impl Consumer for Forwarding {
    fn deliver(&self, delivery: Delivery) {
        self.0.send(delivery).map_err(drop).unwrap();
    }
}

fn read(bus: &InProcessBus) -> (Box<dyn Subscription>, mpsc::UnboundedReceiver<Delivery>) {
    let (sender, inbox) = mpsc::unbounded_channel();
    (bus.subscribe(INVOKER, Arc::new(Forwarding(sender)), 100), inbox)
}

#[tokio::test]
async fn a_panicking_consumer_does_not_stop_the_topic() {
    let bus = InProcessBus::new(None);
    let reading = bus.subscribe(INVOKER, Arc::new(Panicking), 1);
    let message = Message::Activation(activation(new_activation_id()));
    let publish = bus.publish(INVOKER, message, Durability::Process);
    assert!(std::panic::AssertUnwindSafe(publish).catch_unwind().await.is_err());
    drop(reading);
    let (_reading, mut inbox) = read(&bus);
    inbox.try_recv().unwrap();
}

#[tokio::test]
async fn the_next_process_gets_what_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let (bus, _) = journalled(dir.path(), JournalOptions::default());
    let ids = [(); 4].map(|()| new_activation_id());
    let sequence = new_activation_id();
    bus.publish(SEQUENCES, Message::Activation(activation(sequence)), Durability::Machine).await.unwrap();
    bus.make_durable(SEQUENCES).await.unwrap();
    for id in ids {
        bus.publish(INVOKER, Message::Activation(activation(id)), Durability::Machine).await.unwrap();
    }
    let (reading, mut inbox) = read(&bus);
    let deliveries = [(); 4].map(|()| inbox.try_recv().unwrap());
    let end = |delivery: &Delivery| {
        let record = contract::record(&new_namespace(), "hello", 1);
        let activation_id = id_of(&delivery.message);
        delivery.receipt.ended(&whirl_model::ActivationRecord { activation_id, ..record });
    };
    for delivery in &deliveries[1..] {
        delivery.receipt.started().unwrap();
    }
    deliveries[2..].iter().for_each(end);
    deliveries[3].receipt.recorded();
    drop((reading, inbox, deliveries, bus));

    let (bus, ended) = journalled(dir.path(), JournalOptions::default());
    assert_eq!(ended, [ids[2]]);
    let (sender, mut sequences) = mpsc::unbounded_channel();
    let _sequences = bus.subscribe(SEQUENCES, Arc::new(Forwarding(sender)), 100);
    assert_eq!(id_of(&sequences.try_recv().unwrap().message), sequence);
    let (_reading, mut inbox) = read(&bus);
    for (id, progress) in [(ids[0], Progress::NotStarted), (ids[1], Progress::MayHaveStarted)] {
        let delivery = inbox.try_recv().unwrap();
        assert_eq!((id_of(&delivery.message), delivery.progress), (id, progress));
    }
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn who_gives_up_waiting_for_the_disk_has_published_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (bus, _) = journalled(dir.path(), JournalOptions::default());
    // Until the disk is slower than the test, which it mostly is at once.
    let given_up = (0..1000).map(|_| new_activation_id()).find(|id| {
        let message = Message::Activation(activation(*id));
        bus.publish(INVOKER, message, Durability::Machine).now_or_never().is_none()
    });
    let given_up = given_up.expect("a disk that takes its time");
    drop(bus);
    let (bus, _) = journalled(dir.path(), JournalOptions::default());
    let (_reading, mut inbox) = read(&bus);
    while let Ok(delivery) = inbox.try_recv() {
        assert_ne!(id_of(&delivery.message), given_up);
    }
}

#[tokio::test]
async fn a_full_journal_refuses_activations_but_not_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (bus, _) = journalled(dir.path(), JournalOptions { segment_bytes: 10, max_bytes: 10 });
    let message = Message::Activation(activation(new_activation_id()));
    let refused = bus.publish(INVOKER, message, Durability::Process).await;
    assert!(matches!(refused, Err(BusError::Full)), "{refused:?}");
    bus.publish(ANSWERS, acknowledgement(new_activation_id()), Durability::Machine).await.unwrap();
}

#[tokio::test]
async fn progress_is_known_until_the_record_is() {
    let dir = tempfile::tempdir().unwrap();
    let (bus, _) = journalled(dir.path(), JournalOptions::default());
    let id = new_activation_id();
    assert_eq!(bus.progress(id), None);
    bus.publish(INVOKER, Message::Activation(activation(id)), Durability::Process).await.unwrap();
    assert_eq!(bus.progress(id), Some(Progress::NotStarted));
    let (_reading, mut inbox) = read(&bus);
    let receipt = inbox.try_recv().unwrap().receipt;
    assert_eq!(bus.progress(id), Some(Progress::NotStarted));
    receipt.started().unwrap();
    assert_eq!(bus.progress(id), Some(Progress::MayHaveStarted));
    let record = contract::record(&new_namespace(), "hello", 1);
    receipt.ended(&whirl_model::ActivationRecord { activation_id: id, ..record });
    assert_eq!(bus.progress(id), Some(Progress::MayHaveStarted));
    receipt.recorded();
    assert_eq!(bus.progress(id), None);
}
