//! Kafka's topics: their names, what they keep, and how they come to be. All have one partition, so that there is
//! one order and one reader; scale is by number of topics.

use std::collections::HashSet;
use std::time::Instant;

use futures::executor::block_on;
use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use whirl_model::Topic;

use super::config::KafkaConfig;
use super::reach::Context;

/// The only partition of every topic.
pub(super) const PARTITION: i32 = 0;

/// What has a topic in Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// Messages with one reader.
    Messages(Topic),
    /// Word of changed entities, for every controller.
    Changes,
}

impl Channel {
    pub(super) fn name(self, prefix: &str) -> String {
        match self {
            Self::Messages(topic) => format!("{prefix}{topic}"),
            Self::Changes => format!("{prefix}cacheInvalidation"),
        }
    }

    fn retention_ms(self) -> &'static str {
        match self {
            Self::Messages(Topic::Activations(_) | Topic::Sequences(_)) => "172800000",
            Self::Messages(Topic::Acknowledgements(_)) => "3600000",
            Self::Changes => "300000",
        }
    }
}

/// Creates topics where they are missing.
pub(super) struct Topics {
    config: KafkaConfig,
    administrator: AdminClient<Context>,
    /// Names of topics that are there.
    known: Mutex<HashSet<String>>,
}

impl Topics {
    pub(super) fn new(config: &KafkaConfig, context: Context) -> KafkaResult<Self> {
        let administrator = config.administrator().create_with_context(context)?;
        Ok(Self { config: config.clone(), administrator, known: Mutex::default() })
    }

    pub(super) fn name(&self, channel: Channel) -> String {
        channel.name(&self.config.topic_prefix)
    }

    pub(super) fn is_known(&self, name: &str) -> bool {
        self.known.lock().contains(name)
    }

    /// The topic turned out to be missing.
    pub(super) fn forget(&self, name: &str) {
        self.known.lock().remove(name);
    }

    /// Sees to it that the topic is there. Blocks for a round trip, the first time.
    pub(super) fn ensure(&self, channel: Channel) -> KafkaResult<()> {
        let name = self.name(channel);
        if self.is_known(&name) {
            return Ok(());
        }
        match self.create(channel, &name) {
            Err(code) if !self.exists_all_the_same(code, &name) => Err(KafkaError::AdminOp(code)),
            _ => {
                self.known.lock().insert(name);
                Ok(())
            }
        }
    }

    fn create(&self, channel: Channel, name: &str) -> Result<(), RDKafkaErrorCode> {
        let size = self.config.max_message_bytes().to_string();
        let mut topic = NewTopic::new(name, 1, TopicReplication::Fixed(self.config.replication_factor))
            .set("retention.ms", channel.retention_ms())
            .set("retention.bytes", "1073741824")
            .set("segment.bytes", "536870912");
        if matches!(channel, Channel::Messages(_)) {
            topic = topic.set("max.message.bytes", &size);
        }
        let timeout = Some(self.config.request_timeout());
        let options = AdminOptions::new().request_timeout(timeout).operation_timeout(timeout);
        let begun = Instant::now();
        let unexpected = RDKafkaErrorCode::Fail;
        let created = block_on(self.administrator.create_topics([&topic], &options))
            .map_err(|error| error.rdkafka_error_code().unwrap_or(unexpected))?;
        match created.into_iter().next() {
            Some(Ok(_)) => {
                tracing::info!(topic = name, took = ?begun.elapsed(), "created a topic");
                Ok(())
            }
            Some(Err((_, code))) => Err(code),
            None => Err(unexpected),
        }
    }

    /// Whether a topic that could not be created needs no creating. Who must not create topics may still be
    /// allowed to use those that an operator made.
    fn exists_all_the_same(&self, code: RDKafkaErrorCode, name: &str) -> bool {
        use RDKafkaErrorCode::{ClusterAuthorizationFailed, TopicAlreadyExists, TopicAuthorizationFailed};
        match code {
            TopicAlreadyExists => true,
            TopicAuthorizationFailed | ClusterAuthorizationFailed => {
                let all = self.administrator.inner().fetch_metadata(None, self.config.request_timeout());
                all.is_ok_and(|all| all.topics().iter().any(|topic| topic.name() == name))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whirl_model::{ControllerId, InvokerId};

    #[test]
    fn topics_have_the_names_that_openwhisk_gives_them() {
        let activations = Channel::Messages(Topic::Activations(InvokerId(3)));
        let acknowledgements = Channel::Messages(Topic::Acknowledgements(ControllerId(0)));
        assert_eq!(activations.name("dev-"), "dev-invoker3");
        assert_eq!(acknowledgements.name(""), "completed0");
        assert_eq!(Channel::Changes.name("dev-"), "dev-cacheInvalidation");
    }
}
