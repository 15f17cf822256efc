//! Where Kafka is and how to speak to it: an operator's settings, and what they and the needs of the bus make of
//! librdkafka's properties.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use serde::{Deserialize, Serialize};

/// How connections are secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Not at all.
    #[default]
    Plaintext,
    /// Encrypted; the client may show a certificate.
    Ssl,
    /// The client shows user and password; nothing is encrypted.
    SaslPlaintext,
    /// Encrypted, and the client shows user and password.
    SaslSsl,
}

impl Protocol {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    fn asks_for_a_user(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// The Kafka brokers of a cluster.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Some of the brokers, `HOST:PORT`, separated by commas.
    pub brokers: String,
    /// What the names of all topics begin with.
    pub topic_prefix: String,
    /// On how many brokers a topic is kept, for topics that are created.
    pub replication_factor: i32,
    /// How connections are secured: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub protocol: Protocol,
    /// A file with the certificates, as PEM, of the authorities that the brokers' certificates are from; the
    /// system's own if it is absent.
    pub ca_file: Option<PathBuf>,
    /// A file with the certificate, as PEM, that this process shows to the brokers.
    pub certificate_file: Option<PathBuf>,
    /// A file with the key of that certificate, as PEM.
    pub key_file: Option<PathBuf>,
    /// How user and password are shown: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub sasl_mechanism: String,
    /// The user, where the protocol asks for one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// Bytes that the largest arguments or result may have; a topic takes messages of 6,068 bytes more.
    pub payload_bytes: u32,
    /// Milliseconds after which a message that no broker has confirmed counts as not published.
    pub publish_timeout_milliseconds: u64,
    /// Milliseconds that any other request may take, connecting included.
    pub request_timeout_milliseconds: u64,
    /// Further properties of librdkafka, by its names. They go over those that the bus sets, except for the
    /// ones that its promises need.
    pub properties: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic_prefix: String::new(),
            replication_factor: 1,
            protocol: Protocol::default(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            sasl_mechanism: "SCRAM-SHA-512".to_owned(),
            user: None,
            password: None,
            payload_bytes: 1 << 20,
            publish_timeout_milliseconds: 3000,
            request_timeout_milliseconds: 5000,
            properties: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for KafkaConfig {
    /// Neither the password nor the values of `properties`, of which some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("topic_prefix", &self.topic_prefix)
            .field("replication_factor", &self.replication_factor)
            .field("protocol", &self.protocol)
            .field("ca_file", &self.ca_file)
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .field("sasl_mechanism", &self.sasl_mechanism)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("payload_bytes", &self.payload_bytes)
            .field("publish_timeout_milliseconds", &self.publish_timeout_milliseconds)
            .field("request_timeout_milliseconds", &self.request_timeout_milliseconds)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// Names and values of librdkafka's properties.
type Properties<'a> = &'a [(&'a str, &'a str)];

/// What every client is tuned with: no waiting for more bytes, and back soon after an outage.
const SOCKETS: Properties<'static> = &[
    ("client.id", "whirl"),
    ("socket.nagle.disable", "true"),
    ("socket.keepalive.enable", "true"),
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
];

impl KafkaConfig {
    /// What a message may have beyond its payload.
    const ENVELOPE_BYTES: u32 = 6068;

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_milliseconds)
    }

    /// Bytes of the largest message.
    pub(super) fn max_message_bytes(&self) -> u32 {
        self.payload_bytes.saturating_add(Self::ENVELOPE_BYTES)
    }

    /// A client that publishes: at once, confirmed by all replicas, in order, each message once.
    pub(super) fn producer(&self) -> ClientConfig {
        let size = self.max_message_bytes().to_string();
        let timeout = self.publish_timeout_milliseconds.to_string();
        let tuning = [
            ("linger.ms", "0"),
            ("message.max.bytes", size.as_str()),
            ("message.timeout.ms", timeout.as_str()),
            ("request.timeout.ms", timeout.as_str()),
            ("retry.backoff.ms", "50"),
        ];
        self.client(&tuning, &[("acks", "all"), ("enable.idempotence", "true")])
    }

    /// A client that reads: from a place that it is told, as far ahead as memory allows, and that commits only
    /// what it is told. A broker answers a fetch as soon as there is a byte, so that a short wait gains nothing
    /// and keeps both sides busy while nothing happens.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let tuning = [
            ("fetch.wait.max.ms", "100"),
            ("fetch.queue.backoff.ms", "1"),
            ("fetch.error.backoff.ms", "50"),
            ("queued.min.messages", "512"),
            ("queued.max.messages.kbytes", "16384"),
            ("isolation.level", "read_uncommitted"),
            ("session.timeout.ms", "6000"),
            ("max.poll.interval.ms", "86400000"),
        ];
        let promised = [
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
        ];
        self.client(&tuning, &promised)
    }

    /// A client that creates topics. Its log is that of the others once more.
    pub(super) fn administrator(&self) -> ClientConfig {
        let mut client = self.client(&[], &[]);
        client.set_log_level(RDKafkaLogLevel::Emerg);
        client
    }

    fn client(&self, tuning: Properties<'_>, promised: Properties<'_>) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set_log_level(RDKafkaLogLevel::Notice);
        client.set("bootstrap.servers", &self.brokers);
        client.set("socket.timeout.ms", self.request_timeout_milliseconds.to_string());
        // A topic that was deleted is noticed after this time, 30 s if nothing is said.
        client.set("topic.metadata.propagation.max.ms", "3000");
        self.secure(&mut client);
        let own = self.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in SOCKETS.iter().chain(tuning).copied().chain(own).chain(promised.iter().copied())
        {
            client.set(name, value);
        }
        client
    }

    fn secure(&self, client: &mut ClientConfig) {
        client.set("security.protocol", self.protocol.as_str());
        let files = [
            ("ssl.ca.location", &self.ca_file),
            ("ssl.certificate.location", &self.certificate_file),
            ("ssl.key.location", &self.key_file),
        ];
        for (name, file) in files {
            if let Some(path) = file.as_deref().map(Path::to_string_lossy) {
                client.set(name, path);
            }
        }
        if self.protocol.asks_for_a_user() {
            client.set("sasl.mechanism", &self.sasl_mechanism);
            for (name, value) in [("sasl.username", &self.user), ("sasl.password", &self.password)] {
                client.set(name, value.as_deref().unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let config = KafkaConfig {
            password: Some("hunter2".to_owned()),
            properties: [("ssl.key.password".to_owned(), "hunter3".to_owned())].into(),
            ..KafkaConfig::default()
        };
        let shown = format!("{config:?}");
        assert!(shown.contains("ssl.key.password") && !shown.contains("hunter"), "{shown}");
    }

    #[test]
    fn an_operator_may_tune_but_not_break_promises() {
        let own = [("linger.ms", "5"), ("acks", "0"), ("enable.auto.commit", "true")];
        let properties = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = KafkaConfig { properties, ..KafkaConfig::default() };
        let producer = config.producer();
        assert_eq!((producer.get("linger.ms"), producer.get("acks")), (Some("5"), Some("all")));
        assert_eq!(config.consumer("g").get("enable.auto.commit"), Some("false"));
    }

    #[test]
    fn librdkafka_takes_what_is_set() {
        let config = KafkaConfig {
            protocol: Protocol::SaslPlaintext,
            user: Some("u".to_owned()),
            password: Some("p".to_owned()),
            ..KafkaConfig::default()
        };
        for client in [config.producer(), config.consumer("g"), config.administrator()] {
            client.create_native_config().unwrap();
        }
    }
}
