//! Every activation that was placed and has not ended, with its deadline. What it means for an invoker's memory
//! is the account's business.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use whirl_model::{ActivationId, Position};

use super::account::Weight;
use crate::Moment;

/// How often deadlines are looked at, at most.
const GRAIN: Duration = Duration::from_secs(1);

/// A hash map whose order is the same in every run.
pub(super) type StableMap<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// An activation's place in an invoker. The life it was meant for lasts: reservations end with it.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    /// The invoker's number.
    pub(super) invoker: u32,
    pub(super) weight: Weight,
    pub(super) deadline: Moment,
    /// Where in the invoker's topic it is, once that is known.
    pub(super) position: Option<Position>,
}

/// All reservations.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    reservations: StableMap<ActivationId, Reservation>,
    /// No deadline passes before.
    next_look: Moment,
}

impl Ledger {
    /// Enters a reservation; an older one of the same activation comes back.
    pub(super) fn enter(&mut self, activation: ActivationId, entry: Reservation) -> Option<Reservation> {
        self.next_look = self.next_look.min(entry.deadline);
        self.reservations.insert(activation, entry)
    }

    /// A reservation, to be changed.
    pub(super) fn get_mut(&mut self, activation: ActivationId) -> Option<&mut Reservation> {
        self.reservations.get_mut(&activation)
    }

    /// Strikes a reservation out.
    pub(super) fn strike(&mut self, activation: ActivationId) -> Option<Reservation> {
        self.reservations.remove(&activation)
    }

    /// Strikes out all of an invoker.
    pub(super) fn strike_all(&mut self, invoker: u32) {
        self.reservations.retain(|_, entry| entry.invoker != invoker);
    }

    /// Strikes out what is past its deadline.
    pub(super) fn strike_expired(&mut self, now: Moment) -> Vec<Reservation> {
        if now < self.next_look {
            return Vec::new();
        }
        let expired =
            self.reservations.extract_if(|_, entry| entry.deadline <= now).map(|(_, e)| e).collect();
        let earliest = self.reservations.values().map(|entry| entry.deadline).min();
        self.next_look = earliest.unwrap_or(Moment::MAX).max(now + GRAIN);
        expired
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reservations.is_empty()
    }
}
