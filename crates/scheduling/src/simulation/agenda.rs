//! The virtual clock: what is to happen when. It goes from event to event and never waits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::Moment;

/// More than ever happen at one moment where each leads to something.
const MOST_AT_ONCE: u32 = 100_000;

/// Events in order of their time; those of one moment in the order in which they were entered.
#[derive(Debug)]
pub(super) struct Agenda<E> {
    now: Moment,
    /// Events that have happened at this very moment.
    at_once: u32,
    entered: u64,
    entries: BinaryHeap<Entry<E>>,
}

#[derive(Debug)]
struct Entry<E> {
    at: Moment,
    number: u64,
    event: E,
}

impl<E> Agenda<E> {
    pub(super) fn new() -> Self {
        Self { now: Moment::ZERO, at_once: 0, entered: 0, entries: BinaryHeap::new() }
    }

    pub(super) fn now(&self) -> Moment {
        self.now
    }

    /// Whether so many events happened at one moment that time seems to stand still.
    pub(super) fn is_stuck(&self) -> bool {
        self.at_once > MOST_AT_ONCE
    }

    /// Enters an event; what should have been earlier happens next.
    pub(super) fn at(&mut self, at: Moment, event: E) {
        self.entered += 1;
        self.entries.push(Entry { at: at.max(self.now), number: self.entered, event });
    }

    pub(super) fn after(&mut self, span: Duration, event: E) {
        self.at(self.now + span, event);
    }

    /// Goes to the next event.
    pub(super) fn next(&mut self) -> Option<E> {
        let entry = self.entries.pop()?;
        self.at_once = if entry.at == self.now { self.at_once + 1 } else { 0 };
        self.now = entry.at;
        Some(entry.event)
    }
}

impl<E> Entry<E> {
    fn rank(&self) -> Reverse<(Moment, u64)> {
        Reverse((self.at, self.number))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_and_then_of_entry() {
        let mut agenda = Agenda::new();
        for (millis, name) in [(5, 'd'), (1, 'a'), (1, 'b'), (3, 'c')] {
            agenda.after(Duration::from_millis(millis), name);
        }
        let mut seen = String::new();
        while let Some(name) = agenda.next() {
            seen.push(name);
            if name == 'b' {
                agenda.at(Moment::ZERO, 'e');
            }
        }
        assert_eq!((seen.as_str(), agenda.now()), ("abecd", Moment::from_millis(5)));
    }
}
