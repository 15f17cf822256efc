//! The bus on a real Kafka: the contract, what two processes see of each other, and what a restart leaves.
//!
//! `WHIRL_TEST_KAFKA_BROKERS` names the brokers. Topics have random names and are deleted at the end.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Headers, Message as _};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use whirl_backends::bus::kafka::{ConnectError, Protocol};
use whirl_backends::bus::{
    Bus, BusError, Consumer, Delivery, Durability, Listener, Message, Progress, Subscription,
};
use whirl_backends::contract::bus::{acknowledgement, activation, id_of};
use whirl_backends::contract::{self, new_activation_id, random};
use whirl_backends::{KafkaBus, KafkaConfig};
use whirl_model::{
    ActivationId, ActivationMessage, Arguments, ControllerId, DocId, EntityChange, InvokerId, Topic,
};

const DEADLINE: Duration = Duration::from_secs(30);

const INVOKER: Topic = Topic::Activations(InvokerId(0));

/// Topics of one test, on the brokers that the environment names.
struct Place {
    config: KafkaConfig,
}

impl Place {
    /// `None`, and a word about it, where there are no brokers to test on.
    fn new() -> Option<Self> {
        let Ok(brokers) = std::env::var("WHIRL_TEST_KAFKA_BROKERS") else {
            let demanded = std::env::var("WHIRL_TEST_SERVERS").is_ok_and(|value| value == "1");
            assert!(!demanded, "WHIRL_TEST_SERVERS=1, but WHIRL_TEST_KAFKA_BROKERS is not set");
            eprintln!("skipped: WHIRL_TEST_KAFKA_BROKERS is not set");
            return None;
        };
        let topic_prefix = format!("test-{:016x}-", random());
        // A broker that is busy with other tests takes its time to make a topic.
        let patient = KafkaConfig {
            publish_timeout_milliseconds: 20_000,
            request_timeout_milliseconds: 20_000,
            ..KafkaConfig::default()
        };
        Some(Self { config: KafkaConfig { brokers, topic_prefix, ..patient } })
    }

    /// With the times that a user has who sets none.
    fn impatient(mut self) -> Self {
        let KafkaConfig { publish_timeout_milliseconds, request_timeout_milliseconds, .. } =
            KafkaConfig::default();
        self.config =
            KafkaConfig { publish_timeout_milliseconds, request_timeout_milliseconds, ..self.config };
        self
    }

    async fn connect(&self) -> Arc<dyn Bus> {
        KafkaBus::connect(self.config.clone()).await.unwrap()
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.config.brokers);
        client
    }

    fn topic(&self, topic: Topic) -> String {
        format!("{}{topic}", self.config.topic_prefix)
    }

    async fn tidy(self) {
        self.delete_topics().await;
    }

    async fn delete_topics(&self) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let all = admin.inner().fetch_metadata(None, DEADLINE).unwrap();
        let names = all.topics().iter().map(|topic| topic.name());
        let ours: Vec<_> = names.filter(|name| name.starts_with(&self.config.topic_prefix)).collect();
        admin.delete_topics(&ours, &AdminOptions::new()).await.unwrap();
    }
}

struct Forwarding(mpsc::UnboundedSender<Delivery>);

impl Consumer for Forwarding {
    fn deliver(&self, delivery: Delivery) {
        let _test_has_ended = self.0.send(delivery);
    }
}

type Inbox = mpsc::UnboundedReceiver<Delivery>;

fn read(bus: &Arc<dyn Bus>, topic: Topic) -> (Box<dyn Subscription>, Inbox) {
    let (sender, inbox) = mpsc::unbounded_channel();
    (bus.subscribe(topic, Arc::new(Forwarding(sender)), 100), inbox)
}

async fn next(inbox: &mut Inbox) -> Delivery {
    timeout(DEADLINE, inbox.recv()).await.expect("a message came").unwrap()
}

/// Publishes as soon as the bus takes it: a topic that was just made anew may need a moment.
async fn publish(bus: &Arc<dyn Bus>) -> ActivationId {
    let id = new_activation_id();
    let message = Message::Activation(activation(id));
    let taken = async {
        while let Err(error) = bus.publish(INVOKER, message.clone(), Durability::Machine).await {
            assert!(error.is_retryable(), "{error:?}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, taken).await.expect("the bus took the message");
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let Some(place) = Place::new() else { return };
    let bus = place.connect().await;
    contract::bus::run(&bus).await;
    contract::bus::across(&bus, &place.connect().await).await;
    assert_eq!(bus.trouble(), None);
    place.tidy().await;
}

#[tokio::test]
async fn a_restart_brings_back_what_was_not_recorded() {
    let Some(place) = Place::new() else { return };
    let bus = place.connect().await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(publish(&bus).await);
    }
    let (reading, mut inbox) = read(&bus, INVOKER);
    for (index, id) in sent.iter().enumerate() {
        let delivery = next(&mut inbox).await;
        assert_eq!((id_of(&delivery.message), delivery.progress), (*id, Progress::NotStarted));
        if index != 2 {
            delivery.receipt.started().unwrap();
            delivery.receipt.recorded();
        }
    }
    drop((reading, inbox));
    bus.close().await;
    drop(bus);

    let bus = place.connect().await;
    let (_reading, mut inbox) = read(&bus, INVOKER);
    sent.push(publish(&bus).await);
    for (id, progress) in
        sent[2..].iter().zip([Progress::MayHaveStarted; 3].iter().chain([&Progress::NotStarted]))
    {
        let delivery = next(&mut inbox).await;
        assert_eq!((id_of(&delivery.message), delivery.progress), (*id, *progress));
        delivery.receipt.recorded();
    }
    bus.close().await;
    let (_reading, mut inbox) = read(&place.connect().await, INVOKER);
    let id = publish(&bus).await;
    assert_eq!(id_of(&next(&mut inbox).await.message), id, "all before it was recorded");
    place.tidy().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_skipped_for_good() {
    let Some(place) = Place::new() else { return };
    let bus = place.connect().await;
    let (reading, mut inbox) = read(&bus, INVOKER);
    let producer: FutureProducer = place.client().create().unwrap();
    let topic = place.topic(INVOKER);
    for garbage in ["", "{", r#"{"v":99}"#] {
        let record = FutureRecord::<(), str>::to(&topic).payload(garbage);
        producer.send(record, DEADLINE).await.unwrap();
    }
    let id = publish(&bus).await;
    let delivery = next(&mut inbox).await;
    assert_eq!((id_of(&delivery.message), delivery.position.0), (id, 3));
    delivery.receipt.recorded();
    drop((reading, inbox, delivery));
    bus.close().await;
    assert_eq!(committed(&place), Offset::Offset(4));
    place.tidy().await;
}

/// What a group has committed of the invoker's topic.
fn committed(place: &Place) -> Offset {
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    let topic = place.topic(INVOKER);
    let consumer: BaseConsumer = place.client().set("group.id", &topic).create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&topic, 0);
    let answer = consumer.committed_offsets(asked, DEADLINE).unwrap();
    answer.find_partition(&topic, 0).unwrap().offset()
}

#[tokio::test]
async fn the_trace_goes_as_a_header_too() {
    use rdkafka::consumer::{Consumer as _, StreamConsumer};
    let Some(place) = Place::new() else { return };
    let bus = place.connect().await;
    let trace_parent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    let message = ActivationMessage {
        trace_parent: trace_parent.clone(),
        ..ActivationMessage::clone(&activation(new_activation_id()))
    };
    bus.publish(INVOKER, Message::Activation(Arc::new(message)), Durability::Process).await.unwrap();

    let consumer: StreamConsumer = place.client().set("group.id", "reader").create().unwrap();
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&place.topic(INVOKER), 0, Offset::Beginning).unwrap();
    consumer.assign(&from).unwrap();
    let record = timeout(DEADLINE, consumer.recv()).await.unwrap().unwrap();
    let header = record.headers().unwrap().get(0);
    assert_eq!((header.key, header.value), ("traceparent", trace_parent.as_deref().map(str::as_bytes)));
    place.tidy().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_from_others() {
    let Some(place) = Place::new() else { return };
    let config = KafkaConfig { payload_bytes: 10_000, ..place.config.clone() };
    let bus: Arc<dyn Bus> = KafkaBus::connect(config).await.unwrap();
    let large = |bytes: usize| {
        let arguments =
            Arguments::parse(format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes)).as_bytes()).unwrap().into();
        let message = activation(new_activation_id());
        Message::Activation(Arc::new(ActivationMessage { arguments, ..ActivationMessage::clone(&message) }))
    };
    bus.publish(INVOKER, large(10_000), Durability::Process).await.unwrap();
    let refused = bus.publish(INVOKER, large(20_000), Durability::Process).await.unwrap_err();
    assert!(matches!(refused, BusError::TooLarge { bytes, .. } if bytes > 20_000), "{refused:?}");
    assert!(!refused.is_retryable() && bus.trouble().is_none());
    publish(&bus).await;
    place.tidy().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_lost_is_made_and_read_anew() {
    let Some(place) = Place::new().map(Place::impatient) else { return };
    let bus = place.connect().await;
    let (_reading, mut inbox) = read(&bus, INVOKER);
    let (ears, mut heard) = mpsc::unbounded_channel();
    let _listening = bus.listen(Arc::new(Ears(ears)));
    let change = EntityChange { id: DocId::from("ns/name"), by: ControllerId(0) };
    for _ in 0..2 {
        let id = publish(&bus).await;
        let delivery = next(&mut inbox).await;
        assert_eq!(id_of(&delivery.message), id);
        delivery.receipt.recorded();
        bus.announce(change.clone()).await.unwrap();
        assert_eq!(timeout(DEADLINE, heard.recv()).await.unwrap(), Some(true));
    }
    place.delete_topics().await;

    let came = async {
        loop {
            let _gone = bus.publish(
                INVOKER,
                Message::Activation(activation(new_activation_id())),
                Durability::Process,
            );
            let _gone = (_gone.await, bus.announce(change.clone()).await);
            if let Ok(delivery) = inbox.try_recv() {
                break delivery;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let delivery = timeout(DEADLINE, came).await.expect("reading goes on");
    delivery.receipt.recorded();
    while timeout(DEADLINE, heard.recv()).await.expect("it is said that some were missed").unwrap() {}
    place.tidy().await;
}

/// What is heard: `true` for a change, `false` for some that were missed.
struct Ears(mpsc::UnboundedSender<bool>);

impl Listener for Ears {
    fn changed(&self, _: &EntityChange) {
        let _test_has_ended = self.0.send(true);
    }

    fn missed_some(&self) {
        let _test_has_ended = self.0.send(false);
    }
}

/// Needs no Kafka: nothing listens on the port.
#[tokio::test]
async fn nobody_there_is_told_from_unusable_settings() {
    let config = KafkaConfig {
        brokers: "127.0.0.1:1".to_owned(),
        request_timeout_milliseconds: 1000,
        ..KafkaConfig::default()
    };
    let error = KafkaBus::connect(config.clone()).await.map(drop).unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("refused"), "{error}");

    let config =
        KafkaConfig { protocol: Protocol::Ssl, ca_file: Some("/nonexistent/ca.pem".into()), ..config };
    let error = KafkaBus::connect(config).await.map(drop).unwrap_err();
    assert!(matches!(error, ConnectError::Settings(_)), "{error}");
}

/// `WHIRL_TEST_KAFKA_SASL_BROKERS` names a `sasl_plaintext` listener that takes SASL/PLAIN.
#[tokio::test]
async fn wrong_credentials_are_told_from_nobody_there() {
    let Ok(brokers) = std::env::var("WHIRL_TEST_KAFKA_SASL_BROKERS") else {
        return eprintln!("skipped: WHIRL_TEST_KAFKA_SASL_BROKERS is not set");
    };
    let config = KafkaConfig {
        brokers,
        protocol: Protocol::SaslPlaintext,
        sasl_mechanism: "PLAIN".to_owned(),
        user: Some("nobody".to_owned()),
        password: Some("wrong".to_owned()),
        ..KafkaConfig::default()
    };
    let error = KafkaBus::connect(config).await.map(drop).unwrap_err();
    assert!(matches!(&error, ConnectError::Refused { .. }) && !error.is_retryable(), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");
}

/// `WHIRL_TEST_KAFKA_STOP` and `WHIRL_TEST_KAFKA_START` are shell commands that take the broker away and bring
/// it back. Run it alone: other tests want the broker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_at_once_and_ends_by_itself() {
    let commands = ["WHIRL_TEST_KAFKA_STOP", "WHIRL_TEST_KAFKA_START"].map(std::env::var);
    let [Ok(stop), Ok(start)] = commands else {
        return eprintln!("skipped: WHIRL_TEST_KAFKA_STOP and WHIRL_TEST_KAFKA_START are not set");
    };
    let Some(place) = Place::new() else { return };
    let bus = place.connect().await;
    let (_reading, mut inbox) = read(&bus, INVOKER);
    let answers = Topic::Acknowledgements(ControllerId(0));
    let before = publish(&bus).await;
    let delivery = next(&mut inbox).await;
    assert_eq!(id_of(&delivery.message), before);

    run(&stop).await;
    let begun = Instant::now();
    loop {
        let message = Message::Activation(activation(new_activation_id()));
        match bus.publish(INVOKER, message, Durability::Machine).await {
            Err(error) => break assert!(error.is_retryable(), "{error}"),
            Ok(_) => assert!(begun.elapsed() < DEADLINE, "the broker is still there"),
        }
    }
    eprintln!("noticed after {:?}: {:?}", begun.elapsed(), bus.trouble());
    let begun = Instant::now();
    let trouble = loop {
        if let Some(trouble) = bus.trouble() {
            break trouble;
        }
        assert!(begun.elapsed() < DEADLINE);
        tokio::task::yield_now().await;
    };
    let begun = Instant::now();
    for _ in 0..100 {
        let answer = bus.publish(answers, acknowledgement(new_activation_id()), Durability::Process).await;
        assert!(matches!(answer, Err(BusError::Unavailable { .. })));
    }
    eprintln!("100 refusals took {:?}; {trouble}", begun.elapsed());
    let (_reading_answers, mut to_controller) = read(&bus, answers);
    delivery.receipt.recorded();

    run(&start).await;
    let begun = Instant::now();
    while bus.trouble().is_some() {
        // A broker that was killed has to wait until its old session ends.
        assert!(begun.elapsed() < 4 * DEADLINE, "{:?}", bus.trouble());
        sleep(Duration::from_millis(10)).await;
    }
    eprintln!("back after {:?}", begun.elapsed());
    let answer = new_activation_id();
    bus.publish(answers, acknowledgement(answer), Durability::Process).await.unwrap();
    assert_eq!(id_of(&next(&mut to_controller).await.message), answer);
    let after = publish(&bus).await;
    loop {
        let delivery = next(&mut inbox).await;
        delivery.receipt.recorded();
        if id_of(&delivery.message) == after {
            break;
        }
    }
    bus.close().await;
    assert!(matches!(committed(&place), Offset::Offset(offset) if offset >= 2));
    place.tidy().await;
}

async fn run(command: &str) {
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(command);
    let status = tokio::task::spawn_blocking(move || shell.status()).await.unwrap().unwrap();
    assert!(status.success());
}
