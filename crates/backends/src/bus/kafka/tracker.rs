//! What became of the messages of one topic: which are to be delivered again, as what, and how far the topic is
//! done with. Pure: offsets in, decisions out.

use std::collections::BTreeMap;

use crate::bus::Progress;

/// The messages of one topic that a reader has had, from the first one that is not done with.
#[derive(Debug)]
pub(super) struct Tracker {
    /// The first offset that was never delivered here.
    next: u64,
    /// Below this, an earlier process may have started what it was given.
    foreign: u64,
    /// Delivered and not recorded.
    open: BTreeMap<u64, Step>,
}

/// How far a message got in this process, or may have got in an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Delivered,
    Started,
    Ended,
}

impl Tracker {
    /// Nothing before `start` matters any more; what lies before `foreign` may have been started elsewhere.
    pub(super) fn new(start: u64, foreign: u64) -> Self {
        Self { next: start, foreign, open: BTreeMap::new() }
    }

    /// Whether the message at `offset` is to be delivered, and what is known of it. Messages come in order, from
    /// [`Self::to_commit`] on whenever a reader begins anew.
    pub(super) fn deliver(&mut self, offset: u64) -> Option<Progress> {
        if offset >= self.next {
            self.next = offset + 1;
            let step = if offset < self.foreign { Step::Started } else { Step::Delivered };
            self.open.insert(offset, step);
        }
        match self.open.get(&offset)? {
            Step::Delivered => Some(Progress::NotStarted),
            Step::Started => Some(Progress::MayHaveStarted),
            Step::Ended => None,
        }
    }

    pub(super) fn started(&mut self, offset: u64) {
        self.reached(offset, Step::Started);
    }

    pub(super) fn ended(&mut self, offset: u64) {
        self.reached(offset, Step::Ended);
    }

    fn reached(&mut self, offset: u64, reached: Step) {
        if let Some(step) = self.open.get_mut(&offset) {
            *step = reached;
        }
    }

    pub(super) fn recorded(&mut self, offset: u64) {
        self.open.remove(&offset);
    }

    /// The first offset that is not done with: where a reader has to begin.
    pub(super) fn to_commit(&self) -> u64 {
        self.open.keys().next().copied().unwrap_or(self.next)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reader_that_begins_anew_gets_what_had_not_ended() {
        let mut tracker = Tracker::new(10, 11);
        let all = |tracker: &mut Tracker| [10, 11, 12, 13, 14].map(|offset| tracker.deliver(offset));
        let (old, fresh) = (Some(Progress::MayHaveStarted), Some(Progress::NotStarted));
        assert_eq!(all(&mut tracker), [old, fresh, fresh, fresh, fresh]);
        tracker.started(12);
        tracker.started(13);
        tracker.ended(13);
        tracker.recorded(14);
        assert_eq!((tracker.to_commit(), all(&mut tracker)), (10, [old, fresh, old, None, None]));
        for offset in [10, 11, 12] {
            tracker.recorded(offset);
        }
        assert_eq!(tracker.to_commit(), 13);
        tracker.recorded(13);
        assert_eq!((tracker.to_commit(), tracker.deliver(15)), (15, fresh));
    }

    proptest! {
        /// Against a list of what was recorded: the offset to commit has everything recorded below it and is not
        /// recorded itself, and never goes back, whatever is said in which order and how often. Offsets have gaps.
        #[test]
        fn what_is_committed_is_recorded(
            start in 0_u64..100,
            gaps in prop::collection::vec(1_u64..4, 1..40),
            said in prop::collection::vec((0_usize..60, any::<bool>()), 0..120),
        ) {
            let offsets: Vec<u64> = gaps.iter().scan(start, |at, gap| {
                *at += gap;
                Some(*at)
            }).collect();
            let mut tracker = Tracker::new(start, start);
            let (mut delivered, mut recorded) = (0, BTreeSet::new());
            let mut before = tracker.to_commit();
            for (index, deliver) in said {
                if deliver && delivered < offsets.len() {
                    prop_assert_eq!(tracker.deliver(offsets[delivered]), Some(Progress::NotStarted));
                    delivered += 1;
                } else if index < delivered {
                    tracker.recorded(offsets[index]);
                    recorded.insert(offsets[index]);
                }
                let commit = tracker.to_commit();
                prop_assert!(commit >= before);
                let seen = &offsets[..delivered];
                prop_assert!(seen.iter().filter(|offset| **offset < commit).all(|o| recorded.contains(o)));
                prop_assert!(!recorded.contains(&commit));
                prop_assert!(seen.contains(&commit) || seen.last().is_none_or(|last| commit == last + 1));
                before = commit;
            }
        }
    }
}
