//! Decides whether the container engine hangs, by what became of the last questions. Pure.
//!
//! Asking it, and refusing calls meanwhile, is the business of `pulse` and of `watch` beside it.

use std::time::{Duration, Instant};

/// One question may stay unanswered where much is going on; the next one then decides.
const MISSES: u32 = 2;
/// An engine that answered once may fall silent again: this many answers make it sound.
const ANSWERS: u32 = 3;

/// What is held of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is sound, but for this many questions that were not answered.
    Closed { misses: u32 },
    /// It hangs: nothing is asked of it but whether it is there.
    Open,
    /// It answers again, so many times by now: it is asked for everything, but one miss is one too many.
    HalfOpen { answers: u32 },
}

/// The circuit breaker between the factory and the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Breaker {
    state: State,
    heard: Instant,
}

impl Breaker {
    /// For an engine that has just answered.
    pub(super) fn new(now: Instant) -> Self {
        Self { state: State::Closed { misses: 0 }, heard: now }
    }

    /// The engine answered something, be it by a refusal.
    pub(super) fn answered(&mut self, now: Instant) {
        self.heard = now;
        self.state = match self.state {
            State::Closed { .. } => State::Closed { misses: 0 },
            State::Open => State::HalfOpen { answers: 1 },
            State::HalfOpen { answers } if answers + 1 < ANSWERS => State::HalfOpen { answers: answers + 1 },
            State::HalfOpen { .. } => State::Closed { misses: 0 },
        };
    }

    /// It did not answer in time whether it is there.
    pub(super) fn missed(&mut self) {
        self.state = match self.state {
            State::Closed { misses } if misses + 1 < MISSES => State::Closed { misses: misses + 1 },
            State::Closed { .. } | State::Open | State::HalfOpen { .. } => State::Open,
        };
    }

    /// For how long the engine has not answered, while it counts as hanging.
    pub(super) fn silence(&self, now: Instant) -> Option<Duration> {
        (self.state == State::Open).then(|| now.saturating_duration_since(self.heard))
    }

    /// Whether it is beyond doubt.
    pub(super) fn is_sound(&self) -> bool {
        self.state == State::Closed { misses: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_miss_is_none() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 0..5 {
            breaker.missed();
            assert!(breaker.silence(now).is_none() && !breaker.is_sound());
            breaker.answered(now);
            assert!(breaker.is_sound());
        }
    }

    #[test]
    fn silence_is_counted_from_the_last_answer() {
        let begun = Instant::now();
        let mut breaker = Breaker::new(begun);
        breaker.answered(begun + Duration::from_secs(3));
        breaker.missed();
        breaker.missed();
        assert_eq!(breaker.silence(begun + Duration::from_secs(10)), Some(Duration::from_secs(7)));
        breaker.missed();
        assert_eq!(breaker.silence(begun + Duration::from_secs(11)), Some(Duration::from_secs(8)));
    }

    #[test]
    fn an_answer_lets_calls_pass_and_a_miss_soon_after_stops_them_at_once() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        breaker.missed();
        breaker.missed();
        breaker.answered(now);
        assert!(breaker.silence(now).is_none() && !breaker.is_sound());
        breaker.missed();
        assert!(breaker.silence(now).is_some());
        for _ in 0..ANSWERS {
            breaker.answered(now);
        }
        assert!(breaker.is_sound());
        breaker.missed();
        assert!(breaker.silence(now).is_none(), "it is sound again: one miss is none");
    }
}
