//! What one life of an invoker has left, from its last report and what happened since. Plain arithmetic: where
//! the two tell different stories for a moment, it counts too much rather than too little.

use std::collections::VecDeque;
use std::sync::Arc;

use whirl_model::{GpuLimit, InvokerReport, Position};

use super::gpus::Gpus;
use super::request::Request;

/// Ends that later reports may not know of, remembered per invoker. Beyond that a report that is late counts
/// some of them as there, until the next one comes.
const MOST_AHEAD: usize = 1024;

/// What an activation takes from an invoker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// Mebibytes.
    pub(super) memory: u32,
    /// Thousandths of CPU cores.
    pub(super) cores: u32,
    pub(super) gpu: Option<Arc<GpuLimit>>,
    /// Whether it was sent to wait there.
    pub(super) queued: bool,
}

impl Weight {
    pub(super) fn of(request: &Request, queued: bool) -> Self {
        Self {
            memory: request.memory,
            cores: request.cpu.unwrap_or_default().thousandths(),
            gpu: request.gpu.clone().map(Arc::new),
            queued,
        }
    }

    /// Whether it takes nothing but memory.
    pub(super) fn is_plain(&self) -> bool {
        self.cores == 0 && self.gpu.is_none()
    }
}

/// Weights together.
#[derive(Clone, Debug, Default)]
struct Sum {
    memory: i64,
    cores: i64,
    gpus: Vec<Arc<GpuLimit>>,
    queued: u32,
}

impl Sum {
    fn add(&mut self, weight: &Weight) {
        self.memory += i64::from(weight.memory);
        self.cores += i64::from(weight.cores);
        if let Some(gpu) = &weight.gpu {
            self.gpus.push(Arc::clone(gpu));
        }
        self.queued += u32::from(weight.queued);
    }

    fn subtract(&mut self, weight: &Weight) {
        self.memory -= i64::from(weight.memory);
        self.cores -= i64::from(weight.cores);
        if let Some(gpu) = &weight.gpu
            && let Some(index) = self.gpus.iter().position(|other| other == gpu)
        {
            self.gpus.remove(index);
        }
        self.queued -= u32::from(weight.queued);
    }
}

/// An activation that has left the invoker.
#[derive(Clone, Debug)]
struct Left {
    /// Reports up to this one count it, if they had taken its position.
    report: u64,
    position: Position,
    weight: Weight,
}

/// The account of one life of an invoker.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    serial: u64,
    taken: Position,
    free: u32,
    free_cores: u32,
    gpus: Gpus,
    waiting: u32,
    /// What the report does not count yet.
    unreported: Sum,
    /// Those of them whose position is known, in order of it.
    sent: VecDeque<(Position, Weight)>,
    /// What the report counts as needed and is not any more.
    released: Sum,
    /// Those that ended after a report that is still to come was begun.
    ahead: Vec<Left>,
}

impl Account {
    /// Mebibytes that nobody has claimed. What was released goes to those that wait there first, so it counts
    /// only where nobody does.
    pub(super) fn available(&self) -> i64 {
        let released = self.unclaimed().map_or(0, |released| released.memory);
        i64::from(self.free) - self.unreported.memory + released
    }

    /// Thousandths of CPU cores that nobody has claimed.
    pub(super) fn cores(&self) -> i64 {
        let released = self.unclaimed().map_or(0, |released| released.cores);
        i64::from(self.free_cores) - self.unreported.cores + released
    }

    /// The GPUs, and what of them nobody has claimed.
    pub(super) fn gpus(&self) -> Gpus {
        let mut gpus = self.gpus.clone();
        let released = self.unclaimed().map_or(&[][..], |released| &released.gpus);
        released.iter().for_each(|gpu| gpus.give_back(gpu));
        self.unreported.gpus.iter().for_each(|gpu| gpus.take(gpu));
        gpus
    }

    fn unclaimed(&self) -> Option<&Sum> {
        (self.waiting == 0).then_some(&self.released)
    }

    /// Activations that wait there, as far as is known.
    pub(super) fn depth(&self) -> u32 {
        self.waiting.saturating_add(self.unreported.queued)
    }

    /// Takes a report. Whether it is newer than the last one; else it changes nothing.
    pub(super) fn report(&mut self, report: &InvokerReport) -> bool {
        if report.serial <= self.serial {
            return false;
        }
        self.serial = report.serial;
        self.taken = report.taken;
        self.free = report.memory_free;
        self.free_cores = report.cpu_free.thousandths();
        self.gpus = Gpus::new(&report.gpus);
        self.waiting = report.waiting;
        while let Some((_, weight)) = self.sent.pop_front_if(|(position, _)| *position < report.taken) {
            self.unreported.subtract(&weight);
        }
        self.ahead.retain(|left| left.report >= report.serial);
        self.released = Sum::default();
        let counted = self.ahead.iter().filter(|left| left.position < report.taken);
        counted.for_each(|left| self.released.add(&left.weight));
        true
    }

    /// Takes an activation on, which no report counts yet.
    pub(super) fn reserve(&mut self, weight: &Weight) {
        self.unreported.add(weight);
    }

    /// Learns where in the topic a reserved activation is.
    pub(super) fn published(&mut self, weight: Weight, position: Position) {
        if position < self.taken {
            self.unreported.subtract(&weight);
        } else {
            let index = self.sent.partition_point(|(earlier, _)| *earlier < position);
            self.sent.insert(index, (position, weight));
        }
    }

    /// Lets go of a reservation, of which nothing more is known. What a report counts stays until the next.
    pub(super) fn release(&mut self, weight: &Weight, position: Option<Position>) {
        if position.is_none_or(|position| self.forget(position)) {
            self.unreported.subtract(weight);
        }
    }

    /// Whether there was an unreported activation at the position.
    fn forget(&mut self, position: Position) -> bool {
        let index = self.sent.binary_search_by_key(&position, |(position, _)| *position);
        index.is_ok_and(|index| self.sent.remove(index).is_some())
    }

    /// Lets go of an activation that has left the invoker, and that reports up to `report` count.
    pub(super) fn ended(&mut self, weight: Weight, position: Option<Position>, report: u64) {
        self.release(&weight, position);
        let Some(position) = position else { return };
        if position < self.taken && report >= self.serial {
            self.released.add(&weight);
        }
        if report > self.serial && self.ahead.len() < MOST_AHEAD {
            self.ahead.push(Left { report, position, weight });
        }
    }

    /// Whether everything that was taken on has been let go of, or is a report's to count.
    pub(super) fn is_clear(&self) -> bool {
        let Sum { memory, cores, gpus, queued } = &self.unreported;
        (*memory, *cores, *queued) == (0, 0, 0) && gpus.is_empty() && self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::tests::report;

    const ONE: Weight = Weight { memory: 256, cores: 0, gpu: None, queued: false };

    fn account(free: u32) -> Account {
        let mut account = Account::default();
        assert!(account.report(&report(1, 0, free)));
        account
    }

    #[test]
    fn a_reservation_counts_until_a_report_does() {
        let mut account = account(1024);
        account.reserve(&ONE);
        account.reserve(&ONE);
        account.published(ONE, Position(0));
        account.published(ONE, Position(1));
        assert_eq!(account.available(), 512);
        assert!(account.report(&report(2, 1, 768)), "it has taken the first");
        assert_eq!(account.available(), 512);
        assert!(account.report(&report(3, 2, 512)), "and the second");
        assert_eq!(account.available(), 512);
        assert!(!account.report(&report(2, 1, 768)), "an older one is nothing new");
        account.ended(ONE, Some(Position(0)), 3);
        assert_eq!(account.available(), 768);
        account.ended(ONE, Some(Position(1)), 2);
        assert_eq!(account.available(), 768, "report 3 did not count it any more");
    }

    #[test]
    fn an_end_that_overtakes_reports_is_made_up_for_in_each_of_them() {
        let mut account = account(1024);
        account.reserve(&ONE);
        account.published(ONE, Position(0));
        account.ended(ONE, Some(Position(0)), 3);
        assert_eq!(account.available(), 1024);
        account.report(&report(2, 0, 1024));
        assert_eq!(account.available(), 1024, "report 2 was begun before it was taken");
        account.report(&report(3, 1, 768));
        assert_eq!(account.available(), 1024, "report 3 counts it");
        account.report(&report(4, 1, 1024));
        assert_eq!(account.available(), 1024, "report 4 does not");
    }

    #[test]
    fn an_unknown_position_counts_twice_rather_than_not_at_all() {
        let mut account = account(1024);
        account.reserve(&ONE);
        account.report(&report(2, 1, 768));
        assert_eq!(account.available(), 512, "it may be the one that the report counts, or another one's");
        account.published(ONE, Position(0));
        assert_eq!(account.available(), 768);
    }

    #[test]
    fn what_is_released_where_others_wait_is_theirs() {
        let mut account = account(1024);
        account.reserve(&ONE);
        account.published(ONE, Position(0));
        account.report(&InvokerReport { waiting: 3, ..report(2, 1, 0) });
        account.ended(ONE, Some(Position(0)), 2);
        assert_eq!((account.available(), account.depth()), (0, 3));
    }
}
