//! How many activations each namespace has in flight. Steps count with what they are a step of.

use std::collections::HashMap;

use super::Flight;

/// Counts by the namespace's UUID. One that has none is not in it.
#[derive(Default)]
pub(super) struct Tally(HashMap<String, u32>);

impl Tally {
    pub(super) fn count_in(&mut self, flight: &Flight) {
        if flight.cause.is_some() {
            return;
        }
        let uuid = &flight.caller.uuid;
        match self.0.get_mut(uuid) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(uuid.clone(), 1)),
        }
    }

    pub(super) fn count_out(&mut self, flight: &Flight) {
        let uuid = &flight.caller.uuid;
        if flight.cause.is_none()
            && let Some(count) = self.0.get_mut(uuid)
        {
            *count -= 1;
            if *count == 0 {
                self.0.remove(uuid);
            }
        }
    }

    pub(super) fn of(&self, uuid: &str) -> u32 {
        self.0.get(uuid).copied().unwrap_or_default()
    }
}
