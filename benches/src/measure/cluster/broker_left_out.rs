//! In the place of `broker` in a program without librdkafka: it measures nothing, and says so when it is asked to.

use std::time::Duration;

use crate::error::Error;
use crate::load::Outcome;
use crate::stop::Stop;

pub(super) struct Messages {
    pub(super) confirmed: Outcome,
    pub(super) read: Outcome,
}

/// There is none.
pub(super) enum Broker {}

impl Broker {
    pub(super) fn connect(brokers: &str) -> Result<Self, Error> {
        let text = format!(
            "this program cannot measure the brokers {brokers}; build it by: \
             cargo build --release -p whirl-benches --features cluster"
        );
        Err(Error::Unsuitable(text))
    }

    pub(super) fn message_bytes(&self) -> usize {
        match *self {}
    }

    pub(super) fn messages(
        &mut self,
        _in_flight: usize,
        _time: Duration,
        _stop: &Stop,
    ) -> Result<Messages, Error> {
        match *self {}
    }
}
