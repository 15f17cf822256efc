//! How many stem cells there should be. What of it can be had now is decided elsewhere.
//!
//! A plain rule keeps its number. A reactive one begins with its number and keeps at least its minimum; once in
//! an interval it asks for as many as the cold starts of the interval call for, which are topped up to once:
//! what is taken of them is replaced down to the minimum only.

use std::sync::Arc;
use std::time::Duration;

use super::{ContainerId, Stem};
use crate::Moment;

/// At most so many that are too old go at once; the others with the next check.
const EXPIRED_AT_ONCE: usize = 100;
/// The pause after the first of several failures in a row, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Which stem cells to keep.
#[derive(Clone, Debug)]
pub struct StemRule {
    /// What they are.
    pub stem: Arc<Stem>,
    /// How many from the start on.
    pub initial_count: u32,
    /// How the number follows demand, if it does.
    pub reactive: Option<ReactiveRule>,
}

/// How the number of stem cells follows cold starts.
#[derive(Clone, Debug)]
pub struct ReactiveRule {
    /// Never fewer, as far as there is room.
    pub min_count: u32,
    /// Never so many more that are started for nobody.
    pub max_count: u32,
    /// One that is older than this is removed.
    pub ttl: Duration,
    /// So many cold starts within an interval ask for one `increment`.
    pub threshold: u32,
    /// So many are asked for by each `threshold` cold starts.
    pub increment: u32,
}

impl ReactiveRule {
    fn wanted(&self, cold_starts: u32) -> u32 {
        let asked = (cold_starts / self.threshold.max(1)).saturating_mul(self.increment);
        asked.max(self.min_count).min(self.max_count)
    }
}

/// A stem cell as the rules see it: what it is, and since when it stands ready.
pub(super) type Cell<'a> = (ContainerId, &'a Stem, Moment);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct StemCells {
    rules: Vec<Tracked>,
    interval: Duration,
    next_check: Moment,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Tracked {
    rule: StemRule,
    /// So many there should be now.
    goal: u32,
    cold_starts: u32,
    /// Failures in a row.
    failures: u32,
    /// No new one before this.
    not_before: Moment,
}

impl Tracked {
    fn new(rule: &StemRule) -> Self {
        let goal = rule.initial_count;
        Self { rule: rule.clone(), goal, cold_starts: 0, failures: 0, not_before: Moment::ZERO }
    }

    /// So many there should be always.
    fn floor(&self) -> u32 {
        self.rule.reactive.as_ref().map_or(self.rule.initial_count, |reactive| reactive.min_count)
    }

    fn one_less(&mut self) {
        self.goal = self.goal.saturating_sub(1).max(self.floor());
    }

    /// The next try waits a second, then two, four … at most a minute.
    fn back_off(&mut self, now: Moment) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.not_before = self.not_before.max(now + pause);
    }
}

impl StemCells {
    pub(super) fn new(rules: &[StemRule], interval: Duration) -> Self {
        Self { rules: rules.iter().map(Tracked::new).collect(), interval, next_check: interval }
    }

    fn tracked(&mut self, stem: &Stem) -> Option<&mut Tracked> {
        self.rules.iter_mut().find(|tracked| *tracked.rule.stem == *stem)
    }

    /// How many there should be.
    pub(super) fn goal(&self, stem: &Stem) -> usize {
        let tracked = self.rules.iter().find(|tracked| *tracked.rule.stem == *stem);
        tracked.map_or(0, |tracked| tracked.goal as usize)
    }

    /// A request found none and had a container started.
    pub(super) fn cold_start(&mut self, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.cold_starts = tracked.cold_starts.saturating_add(1);
        }
    }

    /// One was taken: its successor may start at `refill_at`.
    pub(super) fn taken(&mut self, refill_at: Moment, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.one_less();
            tracked.not_before = tracked.not_before.max(refill_at);
        }
    }

    /// One is removed.
    pub(super) fn lost(&mut self, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.one_less();
        }
    }

    pub(super) fn start_succeeded(&mut self, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.failures = 0;
        }
    }

    /// One did not start, or did and then ended by itself.
    pub(super) fn failed(&mut self, now: Moment, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.back_off(now);
        }
    }

    /// Stems of which a new one may be started now, each as often as it is missing among `present`: those there
    /// are, starting ones included.
    pub(super) fn missing<'a>(&self, now: Moment, present: impl Iterator<Item = &'a Stem>) -> Vec<Arc<Stem>> {
        let present: Vec<&Stem> = present.collect();
        let due = self.rules.iter().filter(|tracked| now >= tracked.not_before);
        due.flat_map(|tracked| {
            let there = present.iter().filter(|stem| ***stem == *tracked.rule.stem).count();
            let lacking = (tracked.goal as usize).saturating_sub(there);
            std::iter::repeat_n(Arc::clone(&tracked.rule.stem), lacking)
        })
        .collect()
    }

    /// Whether an interval is over: what is too old goes, then the numbers are to be reconsidered.
    pub(super) fn is_check_due(&self, now: Moment) -> bool {
        now >= self.next_check && self.rules.iter().any(|tracked| tracked.rule.reactive.is_some())
    }

    /// The cells of reactive rules that are too old, the oldest first, at most so many.
    pub(super) fn expired<'a>(&self, now: Moment, cells: impl Iterator<Item = Cell<'a>>) -> Vec<ContainerId> {
        let is_too_old = |stem: &Stem, since: Moment| {
            let rule = self.rules.iter().find(|tracked| *tracked.rule.stem == *stem);
            rule.and_then(|tracked| tracked.rule.reactive.as_ref()).is_some_and(|r| now >= since + r.ttl)
        };
        let mut old: Vec<(Moment, ContainerId)> = cells
            .filter(|(_, stem, since)| is_too_old(stem, *since))
            .map(|(id, _, since)| (since, id))
            .collect();
        old.sort_unstable();
        old.into_iter().take(EXPIRED_AT_ONCE).map(|(_, id)| id).collect()
    }

    /// Asks for as many as the interval's cold starts call for, and begins the next interval.
    pub(super) fn reconsider(&mut self, now: Moment) {
        self.next_check = now + self.interval;
        for tracked in &mut self.rules {
            let cold_starts = std::mem::take(&mut tracked.cold_starts);
            if let Some(reactive) = &tracked.rule.reactive {
                tracked.goal = reactive.wanted(cold_starts);
            }
        }
    }

    /// Whether such a cell stays however long it is not used. One that no rule asks for was left over when
    /// another container served the request that it was started for.
    pub(super) fn keeps(&self, stem: &Stem) -> bool {
        self.rules.iter().any(|tracked| *tracked.rule.stem == *stem)
    }

    /// When something may have to be started or checked without any other event; after `now`.
    pub(super) fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let starts = self.rules.iter().map(|tracked| tracked.not_before).filter(|at| *at > now);
        let is_reactive = self.rules.iter().any(|tracked| tracked.rule.reactive.is_some());
        starts.chain(is_reactive.then_some(self.next_check)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_follows_the_cold_starts_between_the_bounds() {
        let rule = ReactiveRule { min_count: 1, max_count: 4, ttl: FIRST_PAUSE, threshold: 2, increment: 2 };
        for (cold_starts, wanted) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4), (100, 4)] {
            assert_eq!(rule.wanted(cold_starts), wanted, "{cold_starts} cold starts");
        }
        let many = ReactiveRule { max_count: u32::MAX, increment: u32::MAX, ..rule };
        assert_eq!(many.wanted(u32::MAX), u32::MAX);
    }
}
