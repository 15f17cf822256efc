//! Activations that ended a moment ago and whose record may not be stored yet.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use whirl_model::{ActivationId, Keep, Namespace};

use super::Flight;

/// How many are remembered, and for how long.
const ENDED: usize = 4096;
const ENDED_FOR: Duration = Duration::from_secs(10);

/// Those that ended last and may get a record, oldest first, with their ends.
#[derive(Default)]
pub(super) struct Ended(VecDeque<(Instant, Flight)>);

impl Ended {
    /// One ended now.
    pub(super) fn note(&mut self, flight: Flight) {
        if flight.keep == Keep::Never {
            return;
        }
        if self.0.len() == ENDED {
            self.0.pop_front();
        }
        self.0.push_back((Instant::now(), flight));
    }

    /// One of a namespace's.
    pub(super) fn find(&self, namespace: &Namespace, id: ActivationId) -> Option<Flight> {
        let recently = self.0.iter().rev().take_while(|(at, _)| at.elapsed() < ENDED_FOR);
        let mut flights = recently.map(|(_, flight)| flight);
        flights.find(|flight| flight.id == id && flight.caller.namespace == *namespace).cloned()
    }
}
