//! Takes sequences and compositions off the controller's own topic, and starts a runner for each.

use std::sync::Arc;

use whirl_backends::bus::{Consumer, Delivery, Message};

use super::runner::Runner;
use crate::acknowledgements::Flight;
use crate::api::Api;

/// Reads the topic of the controller's own sequences.
pub(crate) struct Reader(pub(crate) Arc<Api>);

impl Consumer for Reader {
    fn deliver(&self, delivery: Delivery) {
        let Delivery { message, progress, receipt, .. } = delivery;
        let Message::Activation(message) = message else {
            tracing::error!("a topic of sequences holds a message that is no activation");
            return;
        };
        let begun = self.0.sequences.begin(message.activation_id, Arc::clone(&receipt));
        if let Some(start) = begun {
            if start.is_none() {
                self.0.acknowledgements.expect_end(Flight::of_message(&message));
            }
            let runner = Runner::new(Arc::clone(&self.0), message, receipt, progress);
            tokio::spawn(runner.run(start));
        }
    }
}
