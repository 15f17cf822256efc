//! Whether an invoker that lives is well, as told by how its latest activations ended. That it lives at all is
//! its lease's business, not decided here.

use std::time::Duration;

use crate::Moment;

/// How many of the latest outcomes count.
const RING: usize = 10;

/// As many outcomes of one bad kind among them make an invoker sick.
const TOO_MANY: usize = 3;

/// How an activation ended, as far as its invoker is to blame for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The action ran, well or not.
    Good,
    /// The platform failed.
    InternalError,
    /// Nothing came before its deadline.
    Timeout,
}

/// What an invoker suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sickness {
    /// Too many internal errors.
    Unhealthy,
    /// Too many timeouts.
    Unresponsive,
}

/// The latest outcomes of one life of an invoker.
///
/// A sick one rests; then it is tried again with what it did still remembered, so that one more bad outcome
/// makes it sick at once, and good ones heal it.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    /// A ring, once it is full.
    outcomes: [Option<Outcome>; RING],
    next: usize,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    sickness: Sickness,
    until: Moment,
}

impl Liveness {
    /// Notes an outcome. The end of the rest if it made the invoker sick, or keeps it so.
    pub fn note(&mut self, now: Moment, outcome: Outcome, rest: Duration) -> Option<Moment> {
        self.outcomes[self.next] = Some(outcome);
        self.next = (self.next + 1) % RING;
        let sickness = match outcome {
            Outcome::Good => return None,
            Outcome::InternalError => Sickness::Unhealthy,
            Outcome::Timeout => Sickness::Unresponsive,
        };
        if self.count(outcome) < TOO_MANY {
            return None;
        }
        let until = now + rest;
        self.rest = Some(Rest { sickness, until });
        Some(until)
    }

    /// What it suffers from while it rests.
    #[must_use]
    pub fn sickness(&self, now: Moment) -> Option<Sickness> {
        self.rest.filter(|rest| now < rest.until).map(|rest| rest.sickness)
    }

    /// How many of the latest outcomes were like this one, and how many there are.
    #[must_use]
    pub fn share(&self, outcome: Outcome) -> (usize, usize) {
        (self.count(outcome), self.outcomes.iter().flatten().count())
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.iter().flatten().filter(|o| **o == outcome).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(10);

    fn after(outcomes: &[Outcome]) -> Liveness {
        let mut liveness = Liveness::default();
        for outcome in outcomes {
            liveness.note(Moment::ZERO, *outcome, REST);
        }
        liveness
    }

    #[test]
    fn three_of_a_kind_make_sick_and_two_of_each_do_not() {
        use Outcome::{Good, InternalError, Timeout};
        let sick = |outcomes| after(outcomes).sickness(Moment::ZERO);
        assert_eq!(sick(&[InternalError, Good, InternalError, InternalError]), Some(Sickness::Unhealthy));
        assert_eq!(sick(&[Timeout; 3]), Some(Sickness::Unresponsive));
        assert_eq!(sick(&[InternalError, Timeout, InternalError, Timeout]), None);
    }

    #[test]
    fn only_the_latest_ten_count() {
        let mut outcomes = vec![Outcome::InternalError; 2];
        outcomes.extend([Outcome::Good; 9]);
        outcomes.extend([Outcome::InternalError]);
        assert_eq!(after(&outcomes).sickness(Moment::ZERO), None);
    }

    #[test]
    fn after_its_rest_one_bad_outcome_is_enough_until_good_ones_have_healed() {
        let mut liveness = after(&[Outcome::InternalError; 3]);
        assert_eq!(liveness.sickness(REST), None, "the rest is over");
        let mut relapsed = liveness.clone();
        assert_eq!(relapsed.note(REST, Outcome::InternalError, REST), Some(REST * 2));
        for _ in 0..RING {
            assert_eq!(liveness.note(REST, Outcome::Good, REST), None);
        }
        assert_eq!(liveness.note(REST, Outcome::InternalError, REST), None, "it has healed");
    }
}
