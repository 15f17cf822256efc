//! How many stem cells there should be: per rule a wanted number, which a reactive rule lets follow the
//! cold starts of the last interval.

use std::sync::Arc;
use std::time::Duration;

use super::{ContainerId, Stem};
use crate::Moment;

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
    /// Never fewer.
    pub min_count: u32,
    /// Never more.
    pub max_count: u32,
    /// One that is older than this and above `min_count` is removed.
    pub ttl: Duration,
    /// So many cold starts within an interval ask for one `increment`.
    pub threshold: u32,
    /// So many are added for each `threshold` cold starts.
    pub increment: u32,
}

impl ReactiveRule {
    fn wanted(&self, cold_starts: u32) -> u32 {
        let asked = (cold_starts / self.threshold.max(1)).saturating_mul(self.increment);
        asked.max(self.min_count).min(self.max_count)
    }
}

#[derive(Debug)]
pub(super) struct StemCells {
    rules: Vec<Tracked>,
    interval: Duration,
    next_check: Moment,
}

#[derive(Debug)]
struct Tracked {
    rule: StemRule,
    wanted: u32,
    cold_starts: u32,
    /// Start failures in a row.
    failures: u32,
    /// No new one before this.
    not_before: Moment,
}

impl StemCells {
    pub(super) fn new(rules: &[StemRule], interval: Duration) -> Self {
        let track = |rule: &StemRule| Tracked {
            rule: rule.clone(),
            wanted: rule.initial_count,
            cold_starts: 0,
            failures: 0,
            not_before: Moment::ZERO,
        };
        Self { rules: rules.iter().map(track).collect(), interval, next_check: interval }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn tracked(&mut self, stem: &Stem) -> Option<&mut Tracked> {
        self.rules.iter_mut().find(|t| *t.rule.stem == *stem)
    }

    /// One was taken: its successor may start at `refill_at`.
    pub(super) fn taken(&mut self, refill_at: Moment, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.not_before = tracked.not_before.max(refill_at);
        }
    }

    /// A request found none and had a container started.
    pub(super) fn cold_start(&mut self, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.cold_starts = tracked.cold_starts.saturating_add(1);
        }
    }

    pub(super) fn start_succeeded(&mut self, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            tracked.failures = 0;
        }
    }

    /// The next try waits 1 s, then 2 s, 4 s … at most a minute.
    pub(super) fn start_failed(&mut self, now: Moment, stem: &Stem) {
        if let Some(tracked) = self.tracked(stem) {
            let pause = Duration::from_secs(1 << tracked.failures.min(6)).min(Duration::from_secs(60));
            tracked.failures = tracked.failures.saturating_add(1);
            tracked.not_before = now + pause;
        }
    }

    /// Stems of which a new one may be started now, each as often as it is missing.
    pub(super) fn missing<'a>(&self, now: Moment, present: impl Iterator<Item = &'a Stem>) -> Vec<Arc<Stem>> {
        let present: Vec<&Stem> = present.collect();
        let due = self.rules.iter().filter(|t| now >= t.not_before);
        due.flat_map(|t| {
            let there = present.iter().filter(|s| ***s == *t.rule.stem).count();
            let lacking = (t.wanted as usize).saturating_sub(there);
            std::iter::repeat_n(Arc::clone(&t.rule.stem), lacking)
        })
        .collect()
    }

    /// Reconsiders the wanted numbers when an interval is over; names the cells that are then too old and
    /// too many, oldest first.
    pub(super) fn check<'a>(
        &mut self,
        now: Moment,
        cells: impl Iterator<Item = (ContainerId, &'a Arc<Stem>, Moment)>,
    ) -> Vec<ContainerId> {
        if now < self.next_check {
            return Vec::new();
        }
        self.next_check = now + self.interval;
        let mut cells: Vec<_> = cells.collect();
        cells.sort_by_key(|(id, _, since)| (*since, *id));
        let mut expired = Vec::new();
        for tracked in &mut self.rules {
            let Some(reactive) = &tracked.rule.reactive else { continue };
            tracked.wanted = reactive.wanted(std::mem::take(&mut tracked.cold_starts));
            let mine: Vec<_> = cells.iter().filter(|(_, stem, _)| **stem == tracked.rule.stem).collect();
            let surplus = mine.len().saturating_sub(tracked.wanted as usize);
            let old = mine.iter().filter(|(_, _, since)| now >= *since + reactive.ttl);
            expired.extend(old.take(surplus).map(|(id, _, _)| *id));
        }
        expired
    }

    /// When something may have to be started or checked without any other event; after `now`.
    pub(super) fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let starts = self.rules.iter().map(|t| t.not_before).filter(|at| *at > now);
        let reactive = self.rules.iter().any(|t| t.rule.reactive.is_some());
        starts.chain(reactive.then_some(self.next_check)).min()
    }
}
