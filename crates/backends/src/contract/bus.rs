//! What a bus has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use whirl_model::{Acknowledgement, ActivationId, ActivationMessage, Arguments, Caller, ControllerId, DocId};
use whirl_model::{
    EntityChange, Epoch, InvokerId, Position, SealedKey, Timestamp, Topic, TransactionId, Version,
};

use super::{new_activation_id, new_namespace, random, record};
use crate::bus::{Bus, Consumer, Delivery, Durability, Listener, Message, Progress};

/// Longer than any healthy bus takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the suite.
pub async fn run(bus: &Arc<dyn Bus>) {
    messages_come_in_order(bus).await;
    no_more_comes_than_credit_allows(bus).await;
    what_had_not_ended_comes_again(bus, new_topic()).await;
    what_had_not_ended_comes_again(bus, Topic::Sequences(ControllerId(random() as u32))).await;
    durable_messages_come_too(bus).await;
    a_consumer_may_use_the_bus(bus).await;
    positions_are_places_in_the_topic(bus).await;
    acknowledgements_come_from_subscribing_on(bus).await;
    a_second_reader_takes_the_place_of_the_first(bus).await;
    changes_reach_every_listener(bus, bus).await;
}

/// Runs what two processes on one bus can see of each other.
pub async fn across(one: &Arc<dyn Bus>, other: &Arc<dyn Bus>) {
    changes_reach_every_listener(one, other).await;
    answers_come_back(one, other).await;
}

/// A message that only its id tells from others.
///
/// # Panics
/// Never: all names are well formed.
#[must_use]
pub fn activation(id: ActivationId) -> Arc<ActivationMessage> {
    let namespace = new_namespace();
    Arc::new(ActivationMessage {
        activation_id: id,
        transaction: TransactionId::from_random([7; 32]),
        arrived: Timestamp(1),
        action: format!("{namespace}/hello").parse().unwrap(),
        version: Version::FIRST,
        revision: "1-a".to_owned().into(),
        caller: Caller {
            subject: "contract".to_owned(),
            namespace,
            uuid: "uuid".to_owned(),
            sealed_key: SealedKey::from_text("sealed"),
        },
        controller: ControllerId(0),
        epoch: Epoch::default(),
        blocking: true,
        arguments: Arguments::parse(br#"{"n":123456789012345678901234567890,"f":1.0}"#).unwrap().into(),
        init_arguments: Vec::new(),
        cause: None,
        binding: None,
        keep: whirl_model::Keep::Always,
        trace_parent: None,
    })
}

/// An acknowledgement that only its id tells from others.
#[must_use]
pub fn acknowledgement(id: ActivationId) -> Message {
    Message::Acknowledgement(Arc::new(Acknowledgement {
        activation_id: id,
        transaction: TransactionId::from_random([7; 32]),
        invoker: InvokerId(0),
        epoch: Epoch::default(),
        report: 0,
        record: None,
        completed: true,
        internal_error: false,
    }))
}

/// The id of whatever was delivered.
#[must_use]
pub fn id_of(message: &Message) -> ActivationId {
    match message {
        Message::Activation(activation) => activation.activation_id,
        Message::Acknowledgement(acknowledgement) => acknowledgement.activation_id,
    }
}

/// Hands deliveries to the suite and sees to it that there are never more than credit was given for.
struct Inbox {
    deliveries: mpsc::UnboundedSender<Delivery>,
    credit: AtomicUsize,
}

impl Inbox {
    fn new(credit: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<Delivery>) {
        let (deliveries, receiver) = mpsc::unbounded_channel();
        (Arc::new(Self { deliveries, credit: AtomicUsize::new(credit) }), receiver)
    }
}

impl Consumer for Inbox {
    fn deliver(&self, delivery: Delivery) {
        let before = self.credit.fetch_sub(1, Ordering::SeqCst);
        assert!(before > 0, "delivered without credit");
        let _suite_has_ended = self.deliveries.send(delivery);
    }
}

async fn next(inbox: &mut mpsc::UnboundedReceiver<Delivery>) -> Delivery {
    timeout(DEADLINE, inbox.recv()).await.expect("a message came").unwrap()
}

fn new_topic() -> Topic {
    Topic::Activations(InvokerId(random() as u32))
}

fn new_answers() -> Topic {
    Topic::Acknowledgements(ControllerId(random() as u32))
}

async fn publish(bus: &Arc<dyn Bus>, topic: Topic) -> ActivationId {
    publish_placed(bus, topic).await.0
}

async fn publish_placed(bus: &Arc<dyn Bus>, topic: Topic) -> (ActivationId, Position) {
    let id = new_activation_id();
    let message = Message::Activation(activation(id));
    (id, bus.publish(topic, message, Durability::Process).await.unwrap())
}

async fn messages_come_in_order(bus: &Arc<dyn Bus>) {
    let (topic, other) = (new_topic(), new_topic());
    let mut sent = Vec::new();
    for _ in 0..20 {
        sent.push(publish(bus, topic).await);
        publish(bus, other).await;
    }
    let (inbox, mut deliveries) = Inbox::new(100);
    let _reading = bus.subscribe(topic, inbox, 100);
    for _ in 0..20 {
        sent.push(publish(bus, topic).await);
    }
    for id in sent {
        let delivery = next(&mut deliveries).await;
        assert_eq!((id_of(&delivery.message), delivery.progress), (id, Progress::NotStarted));
    }
}

async fn no_more_comes_than_credit_allows(bus: &Arc<dyn Bus>) {
    let topic = new_topic();
    let (inbox, mut deliveries) = Inbox::new(1);
    let reading = bus.subscribe(topic, inbox.clone(), 1);
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(publish(bus, topic).await);
    }
    let mut came = vec![id_of(&next(&mut deliveries).await.message)];
    for credit in [2, 1, 1] {
        inbox.credit.fetch_add(credit, Ordering::SeqCst);
        reading.grant(credit);
        for _ in 0..credit {
            came.push(id_of(&next(&mut deliveries).await.message));
        }
    }
    assert_eq!(came, sent);
}

async fn what_had_not_ended_comes_again(bus: &Arc<dyn Bus>, topic: Topic) {
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(publish(bus, topic).await);
    }
    let (inbox, mut deliveries) = Inbox::new(3);
    let reading = bus.subscribe(topic, inbox, 3);
    let [untouched, started, ended] =
        [next(&mut deliveries).await, next(&mut deliveries).await, next(&mut deliveries).await];
    started.receipt.started().unwrap();
    ended.receipt.started().unwrap();
    ended.receipt.ended(&record_of(&ended.message));
    drop(reading);
    drop(untouched);

    let (inbox, mut deliveries) = Inbox::new(10);
    let _reading = bus.subscribe(topic, inbox, 10);
    for (id, progress) in [
        (sent[0], Progress::NotStarted),
        (sent[1], Progress::MayHaveStarted),
        (sent[3], Progress::NotStarted),
    ] {
        let delivery = next(&mut deliveries).await;
        assert_eq!((id_of(&delivery.message), delivery.progress), (id, progress));
    }
    ended.receipt.recorded();
}

fn record_of(message: &Message) -> whirl_model::ActivationRecord {
    whirl_model::ActivationRecord { activation_id: id_of(message), ..record(&new_namespace(), "hello", 1) }
}

async fn durable_messages_come_too(bus: &Arc<dyn Bus>) {
    let topic = new_topic();
    let (inbox, mut deliveries) = Inbox::new(10);
    let _reading = bus.subscribe(topic, inbox, 10);
    let fleeting = publish(bus, topic).await;
    bus.make_durable(topic).await.unwrap();
    let durable = new_activation_id();
    bus.publish(topic, Message::Activation(activation(durable)), Durability::Machine).await.unwrap();
    for id in [fleeting, durable] {
        assert_eq!(id_of(&next(&mut deliveries).await.message), id);
    }
    let acknowledgements = new_answers();
    bus.publish(acknowledgements, acknowledgement(durable), Durability::Machine).await.unwrap();
    bus.make_durable(acknowledgements).await.unwrap();
}

/// Answers every activation with an acknowledgement, from within its delivery.
struct Answering {
    bus: Arc<dyn Bus>,
    to: Topic,
}

impl Consumer for Answering {
    fn deliver(&self, delivery: Delivery) {
        let (bus, to, id) = (Arc::clone(&self.bus), self.to, id_of(&delivery.message));
        delivery.receipt.started().unwrap();
        delivery.receipt.ended(&record_of(&delivery.message));
        delivery.receipt.recorded();
        tokio::spawn(async move { bus.publish(to, acknowledgement(id), Durability::Process).await });
    }
}

async fn a_consumer_may_use_the_bus(bus: &Arc<dyn Bus>) {
    let (topic, answers) = (new_topic(), new_answers());
    let (inbox, mut deliveries) = Inbox::new(10);
    let _reading_answers = bus.subscribe(answers, inbox, 10);
    let consumer = Answering { bus: Arc::clone(bus), to: answers };
    let _reading = bus.subscribe(topic, Arc::new(consumer), 10);
    for _ in 0..3 {
        let id = publish(bus, topic).await;
        assert_eq!(id_of(&next(&mut deliveries).await.message), id);
    }
}

async fn positions_are_places_in_the_topic(bus: &Arc<dyn Bus>) {
    let (topic, other) = (new_topic(), new_topic());
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(publish_placed(bus, topic).await);
        publish(bus, other).await;
    }
    assert!(sent.is_sorted_by_key(|(_, position)| *position), "{sent:?}");
    let (inbox, mut deliveries) = Inbox::new(10);
    let _reading = bus.subscribe(topic, inbox, 10);
    sent.push(publish_placed(bus, topic).await);
    for sent in sent {
        let delivery = next(&mut deliveries).await;
        assert_eq!((id_of(&delivery.message), delivery.position), sent);
    }
}

async fn acknowledgements_come_from_subscribing_on(bus: &Arc<dyn Bus>) {
    let answers = new_answers();
    let before = new_activation_id();
    bus.publish(answers, acknowledgement(before), Durability::Process).await.unwrap();
    let (inbox, mut deliveries) = Inbox::new(10);
    let _reading = bus.subscribe(answers, inbox, 10);
    for _ in 0..3 {
        let id = new_activation_id();
        bus.publish(answers, acknowledgement(id), Durability::Process).await.unwrap();
        let mut came = id_of(&next(&mut deliveries).await.message);
        if came == before {
            came = id_of(&next(&mut deliveries).await.message);
        }
        assert_eq!(came, id);
    }
}

async fn a_second_reader_takes_the_place_of_the_first(bus: &Arc<dyn Bus>) {
    let topic = new_topic();
    let (first, mut to_first) = Inbox::new(10);
    let reading = bus.subscribe(topic, first, 10);
    let recorded = publish(bus, topic).await;
    let delivery = next(&mut to_first).await;
    assert_eq!(id_of(&delivery.message), recorded);
    delivery.receipt.started().unwrap();
    delivery.receipt.recorded();

    let (second, mut to_second) = Inbox::new(10);
    let _reading = bus.subscribe(topic, second, 10);
    drop(reading);
    let id = publish(bus, topic).await;
    assert_eq!(id_of(&next(&mut to_second).await.message), id);
    assert!(to_first.try_recv().is_err());
}

/// What a listener hears: a change, or that it missed some.
struct Hearing(mpsc::UnboundedSender<Option<EntityChange>>);

impl Listener for Hearing {
    fn changed(&self, change: &EntityChange) {
        let _suite_has_ended = self.0.send(Some(change.clone()));
    }

    fn missed_some(&self) {
        let _suite_has_ended = self.0.send(None);
    }
}

async fn changes_reach_every_listener(one: &Arc<dyn Bus>, other: &Arc<dyn Bus>) {
    let [(first, mut at_one), (second, too), (third, mut at_other)] =
        [(); 3].map(|()| mpsc::unbounded_channel());
    let _listening = [
        one.listen(Arc::new(Hearing(first))),
        one.listen(Arc::new(Hearing(second))),
        other.listen(Arc::new(Hearing(third))),
    ];
    let (gone, mut at_gone) = mpsc::unbounded_channel();
    drop(one.listen(Arc::new(Hearing(gone))));

    let id = format!("{}/hello", new_namespace());
    let changes: Vec<_> =
        (0..3).map(|by| EntityChange { id: DocId::from(id.as_str()), by: ControllerId(by) }).collect();
    for change in &changes {
        let (bus, own) =
            if change.by == ControllerId(1) { (other, &mut at_other) } else { (one, &mut at_one) };
        let before = own.len();
        bus.announce(change.clone()).await.unwrap();
        let heard = async {
            while own.len() == before {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, heard).await.expect("who announces hears of it");
    }
    for mut ears in [at_one, too, at_other] {
        for change in &changes {
            let heard = timeout(DEADLINE, ears.recv()).await.expect("a change is heard of").unwrap();
            assert_eq!(heard.as_ref(), Some(change));
        }
    }
    assert!(at_gone.try_recv().is_err());
}

async fn answers_come_back(one: &Arc<dyn Bus>, other: &Arc<dyn Bus>) {
    let (topic, answers) = (new_topic(), new_answers());
    let (inbox, mut deliveries) = Inbox::new(100);
    let _reading_answers = one.subscribe(answers, inbox, 100);
    let consumer = Answering { bus: Arc::clone(other), to: answers };
    let _reading = other.subscribe(topic, Arc::new(consumer), 100);
    for _ in 0..20 {
        let id = publish(one, topic).await;
        assert_eq!(id_of(&next(&mut deliveries).await.message), id);
    }
}
