//! Whether the brokers can be reached, as the clients' complaints and a probe say.
//!
//! A complaint only raises doubts: connections also end because they were idle. What says that the brokers are
//! away is a probe or a publish that was not answered.

use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::Notify;

/// What is known of the brokers.
#[derive(Default)]
pub(super) struct Reach {
    state: Mutex<State>,
    doubts: Notify,
}

#[derive(Default)]
struct State {
    /// Why nothing can be published.
    down: Option<String>,
    /// Readers that do not have a place in their topic yet.
    unplaced: usize,
    complaint: Option<Complaint>,
}

/// What a client said last of its connections.
#[derive(Clone, Debug)]
pub(super) struct Complaint {
    pub(super) reason: String,
    /// It was turned away, rather than not answered.
    pub(super) refused: bool,
}

impl Reach {
    /// Why nothing can be published now.
    pub(super) fn trouble(&self) -> Option<String> {
        let state = self.state.lock();
        let unplaced = || (state.unplaced > 0).then(|| state.why("a topic cannot be read yet"));
        state.down.clone().or_else(unplaced)
    }

    /// Whether the brokers are known to be away.
    pub(super) fn is_down(&self) -> bool {
        self.state.lock().down.is_some()
    }

    pub(super) fn complaint(&self) -> Option<Complaint> {
        self.state.lock().complaint.clone()
    }

    /// The brokers did not answer.
    pub(super) fn down(&self, error: &KafkaError) {
        let mut state = self.state.lock();
        let why = state.why(&error.to_string());
        if state.down.is_none() {
            tracing::warn!(why, "Kafka is out of reach");
        }
        state.down = Some(why);
        drop(state);
        self.doubts.notify_one();
    }

    /// They did.
    pub(super) fn up(&self) {
        let mut state = self.state.lock();
        state.complaint = None;
        if state.down.take().is_some() {
            tracing::info!("Kafka is in reach again");
        }
    }

    /// Returns when there is a reason to probe.
    pub(super) async fn doubted(&self) {
        self.doubts.notified().await;
    }

    /// A reader has no place yet: nothing is published until what is returned is dropped.
    pub(super) fn unplaced(self: &Arc<Self>) -> Unplaced {
        self.state.lock().unplaced += 1;
        Unplaced(Arc::clone(self))
    }

    fn complain(&self, code: RDKafkaErrorCode, reason: &str) {
        use RDKafkaErrorCode::{AllBrokersDown, Authentication, BrokerTransportFailure, Fatal, Resolve, SSL};
        // A broker that does not like a certificate says so only after the handshake, as a receive that failed.
        let refused = matches!(code, Authentication | SSL) || reason.contains("SSL alert number");
        if refused || matches!(code, BrokerTransportFailure | Resolve) {
            self.state.lock().complaint = Some(Complaint { reason: reason.to_owned(), refused });
        }
        if refused || matches!(code, AllBrokersDown | Fatal) {
            self.doubts.notify_one();
        }
    }
}

impl State {
    /// The last complaint says more than an answer that did not come.
    fn why(&self, otherwise: &str) -> String {
        self.complaint.as_ref().map_or_else(|| otherwise.to_owned(), |complaint| complaint.reason.clone())
    }
}

/// See [`Reach::unplaced`].
pub(super) struct Unplaced(Arc<Reach>);

impl Drop for Unplaced {
    fn drop(&mut self) {
        self.0.state.lock().unplaced -= 1;
    }
}

/// What librdkafka's clients call back.
#[derive(Clone)]
pub(super) struct Context(pub(super) Arc<Reach>);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What becomes of connections is told where the brokers turn out to be away.
        let connections = matches!(facility, "FAIL" | "ERROR");
        if (level as i32) <= RDKafkaLogLevel::Warning as i32 && !connections {
            tracing::warn!(facility, "librdkafka: {message}");
        } else {
            tracing::debug!(facility, "librdkafka: {message}");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.0.complain(code, reason);
        }
    }
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: KafkaError = KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);

    #[test]
    fn a_complaint_raises_doubts_and_explains_but_does_not_decide() {
        let reach = Arc::new(Reach::default());
        let client = Context(Arc::clone(&reach));
        client.error(KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "connection refused");
        client.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        assert_eq!(reach.trouble(), None);
        reach.down(&TIMEOUT);
        assert_eq!(reach.trouble().as_deref(), Some("connection refused"));
        reach.up();
        assert!(reach.trouble().is_none() && reach.complaint().is_none());
    }

    #[test]
    fn a_reader_without_a_place_is_trouble() {
        let reach = Arc::new(Reach::default());
        let unplaced = reach.unplaced();
        assert!(reach.trouble().is_some());
        drop(unplaced);
        assert_eq!(reach.trouble(), None);
    }
}
