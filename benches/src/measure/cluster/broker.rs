//! Kafka without Whirl: messages as long as an activation's, over a topic of their own, from one producer to one
//! consumer.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use tokio::runtime::{Builder, Runtime};
use whirl_model::wire::Wire;
use whirl_model::{
    ActivationId, ActivationMessage, Caller, ControllerId, Epoch, Input, SealedKey, Timestamp, TransactionId,
    Version,
};

use crate::error::Error;
use crate::latencies::Latencies;
use crate::load::Outcome;
use crate::stop::Stop;

const PARTITION: i32 = 0;
const LONGEST_MESSAGE: Duration = Duration::from_secs(10);
/// Characters of a sealed credential.
const SEALED_KEY: usize = 179;
const GLANCE: Duration = Duration::from_millis(50);

/// What became of the messages of one load.
pub(super) struct Messages {
    /// Until the broker had them.
    pub(super) confirmed: Outcome,
    /// Until the consumer had them as well.
    pub(super) read: Outcome,
}

/// A topic, who writes it and who reads it. Dropping it deletes the topic.
pub(super) struct Broker {
    runtime: Runtime,
    administrator: AdminClient<DefaultClientContext>,
    topic: String,
    message: Vec<u8>,
    producer: ThreadedProducer<Confirmations>,
    consumer: BaseConsumer,
}

impl Broker {
    /// Makes the topic and finds its end.
    pub(super) fn connect(brokers: &str) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().build().map_err(Error::io("start a runtime"))?;
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let topic = format!("whirl-bench-{}", since_epoch.as_nanos());
        Self::open(brokers, runtime, topic).map_err(kafka("prepare a topic"))
    }

    fn open(brokers: &str, runtime: Runtime, topic: String) -> KafkaResult<Self> {
        let broker = Self {
            runtime,
            administrator: client(brokers, &[]).create()?,
            message: activation(),
            producer: client(brokers, &PRODUCER).create_with_context(Confirmations::default())?,
            consumer: client(brokers, &CONSUMER).set("group.id", &topic).create()?,
            topic,
        };
        let new = NewTopic::new(&broker.topic, 1, TopicReplication::Fixed(-1));
        let options = AdminOptions::new().operation_timeout(Some(LONGEST_MESSAGE));
        let created = broker.runtime.block_on(broker.administrator.create_topics([&new], &options))?;
        if let Some(Err((_, code))) = created.into_iter().next() {
            return Err(KafkaError::AdminOp(code));
        }
        let mut place = TopicPartitionList::with_capacity(1);
        place.add_partition_offset(&broker.topic, PARTITION, Offset::Beginning)?;
        broker.consumer.assign(&place)?;
        Ok(broker)
    }

    pub(super) fn message_bytes(&self) -> usize {
        self.message.len()
    }

    /// Keeps so many messages in flight: the next one is sent when the broker has confirmed one.
    pub(super) fn messages(
        &mut self,
        in_flight: usize,
        time: Duration,
        stop: &Stop,
    ) -> Result<Messages, Error> {
        self.load(in_flight, time / 3, stop)?;
        self.load(in_flight, time, stop)
    }

    fn load(&self, in_flight: usize, time: Duration, stop: &Stop) -> Result<Messages, Error> {
        let (sent, to_read) = channel();
        let began = Instant::now();
        thread::scope(|scope| {
            let reading = scope.spawn(move || outcome(self.read(to_read), began));
            let produced = self.produce(in_flight, began + time, stop, |at| {
                // The reader hangs up after this has ended.
                let _ = sent.send(at);
            });
            let confirmed = outcome(self.confirmations().take(), began);
            drop(sent);
            let read = reading.join().map_err(|_| Error::Unsuitable("the reader broke off".to_owned()))?;
            produced.map(|()| Messages { confirmed, read })
        })
    }

    fn produce(
        &self,
        in_flight: usize,
        end: Instant,
        stop: &Stop,
        sent: impl Fn(Instant),
    ) -> Result<(), Error> {
        let (mut published, mut answered) = (0, 0);
        loop {
            stop.check()?;
            while published - answered < in_flight as u64 && Instant::now() < end {
                let now = Instant::now();
                let record = BaseRecord::<(), _, _>::with_opaque_to(&self.topic, Box::new(now));
                let record = record.partition(PARTITION).payload(&self.message);
                self.producer.send(record).map_err(|(error, _)| kafka("send a message")(error))?;
                sent(now);
                published += 1;
            }
            if published == answered {
                return Ok(());
            }
            answered = self.confirmations().wait_for(answered + 1);
        }
    }

    fn confirmations(&self) -> &Confirmations {
        self.producer.client().context()
    }

    /// Reads a message for each that was sent, in the same order, until no more are.
    fn read(&self, sent: Receiver<Instant>) -> Latencies {
        let mut latencies = Latencies::default();
        for sent in sent {
            let deadline = Instant::now() + LONGEST_MESSAGE;
            // Errors on the way are of connections, which are made again.
            let read = std::iter::repeat_with(|| self.consumer.poll(GLANCE))
                .take_while(|_| Instant::now() < deadline)
                .any(|found| matches!(found, Some(Ok(_))));
            if read {
                latencies.record(sent.elapsed());
            } else {
                latencies.errors += 1;
            }
        }
        latencies
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let options = AdminOptions::new();
        // Whoever deleted it before did what is done here.
        let _ = self.runtime.block_on(self.administrator.delete_topics(&[&self.topic], &options));
    }
}

/// How long the broker took to confirm messages.
#[derive(Default)]
struct Confirmations {
    latencies: Mutex<Latencies>,
    more: Condvar,
}

impl Confirmations {
    fn answered(&self, answer: impl FnOnce(&mut Latencies)) {
        answer(&mut self.latencies.lock().unwrap_or_else(PoisonError::into_inner));
        self.more.notify_one();
    }

    /// Waits for a moment until the broker has confirmed or refused so many messages, and tells how many it has.
    fn wait_for(&self, wanted: u64) -> u64 {
        let answers = |latencies: &Latencies| latencies.count() + latencies.errors;
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_timeout_while(latencies, GLANCE, |latencies| answers(latencies) < wanted);
        let (latencies, _) = waited.unwrap_or_else(PoisonError::into_inner);
        answers(&latencies)
    }

    fn take(&self) -> Latencies {
        std::mem::take(&mut self.latencies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Confirmations {}

impl ProducerContext for Confirmations {
    type DeliveryOpaque = Box<Instant>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Instant>) {
        let took = sent.elapsed();
        self.answered(|latencies| match result {
            Ok(_) => latencies.record(took),
            Err(_) => latencies.errors += 1,
        });
    }
}

/// Names and values of librdkafka's properties: those that whirl's own bus sets.
type Properties = [(&'static str, &'static str)];

const PRODUCER: [(&str, &str); 3] = [("acks", "all"), ("enable.idempotence", "true"), ("linger.ms", "0")];
const CONSUMER: [(&str, &str); 5] = [
    ("enable.auto.commit", "false"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.queue.backoff.ms", "1"),
    ("queued.min.messages", "512"),
    ("queued.max.messages.kbytes", "16384"),
];

fn client(brokers: &str, properties: &Properties) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("socket.nagle.disable", "true");
    for (name, value) in properties {
        client.set(*name, *value);
    }
    client
}

/// The body of an activation of the no-op: what its parts have for lengths matters, not what they say.
fn activation() -> Vec<u8> {
    let message = ActivationMessage {
        activation_id: ActivationId::from_bits(0),
        transaction: TransactionId::from_random([0; 32]),
        arrived: Timestamp::from_system(SystemTime::now()),
        action: "guest/bench-cluster-rates".parse().expect("it is a namespace and a name"),
        version: Version::FIRST,
        revision: format!("1-{:032}", 0).into(),
        caller: Caller {
            subject: "guest".to_owned(),
            namespace: "guest".parse().expect("it is a name"),
            uuid: "0".repeat(36),
            sealed_key: SealedKey::from_text(&"0".repeat(SEALED_KEY)),
        },
        controller: ControllerId(0),
        epoch: Epoch(1),
        blocking: true,
        arguments: Input::default(),
        init_arguments: Vec::new(),
        cause: None,
        binding: None,
        keep: whirl_model::Keep::Always,
        trace_parent: None,
    };
    message.to_wire()
}

fn outcome(latencies: Latencies, began: Instant) -> Outcome {
    #[expect(clippy::cast_precision_loss, reason = "no load is that long")]
    let rate = latencies.count() as f64 / began.elapsed().as_secs_f64();
    Outcome { latencies, rate }
}

fn kafka(doing: &str) -> impl FnOnce(KafkaError) -> Error {
    let doing = doing.to_owned();
    move |source| Error::Kafka { doing, source }
}
