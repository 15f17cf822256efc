//! What lies in which segment: how large each one is and how many of its activations are not yet recorded.
//! Pure bookkeeping; the files are the log's.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use whirl_model::ActivationId;

#[derive(Debug, Default)]
struct Usage {
    bytes: u64,
    open: usize,
}

/// Segments by number, oldest first, and the open activations in them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    segments: BTreeMap<u64, Usage>,
    accepted_in: HashMap<ActivationId, u64>,
}

impl Ledger {
    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.segments.values().map(|usage| usage.bytes).sum()
    }

    /// The newest segment's number, or 0 where there is none.
    pub(super) fn newest(&self) -> u64 {
        self.segments.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// A segment has grown, or was created, by so many bytes.
    pub(super) fn grew(&mut self, segment: u64, bytes: u64) {
        self.segments.entry(segment).or_default().bytes += bytes;
    }

    /// The segment that holds an open activation's accept.
    pub(super) fn place_of(&self, id: ActivationId) -> Option<u64> {
        self.accepted_in.get(&id).copied()
    }

    /// An activation was accepted in this segment. One that is open already stays where it is.
    pub(super) fn accepted(&mut self, id: ActivationId, segment: u64) {
        if let Entry::Vacant(place) = self.accepted_in.entry(id) {
            place.insert(segment);
            self.segments.entry(segment).or_default().open += 1;
        }
    }

    /// An activation is recorded.
    pub(super) fn recorded(&mut self, id: ActivationId) {
        let usage = self.accepted_in.remove(&id).and_then(|segment| self.segments.get_mut(&segment));
        if let Some(usage) = usage {
            usage.open -= 1;
        }
    }

    /// The oldest segment, if it is not `current` and has no open activations.
    pub(super) fn finished(&self, current: u64) -> Option<u64> {
        let (oldest, usage) = self.segments.first_key_value()?;
        (*oldest != current && usage.open == 0).then_some(*oldest)
    }

    /// A segment is no more.
    pub(super) fn removed(&mut self, segment: u64) {
        self.segments.remove(&segment);
    }

    /// Whether a segment up to this one has open activations.
    pub(super) fn is_open_through(&self, segment: u64) -> bool {
        self.segments.range(..=segment).any(|(_, usage)| usage.open > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_goes_only_after_all_before_it() {
        let [a, b] = [1, 2].map(ActivationId::from_bits);
        let mut ledger = Ledger::default();
        for segment in 1..=3 {
            ledger.grew(segment, 100);
        }
        ledger.accepted(a, 1);
        ledger.accepted(b, 2);
        ledger.accepted(a, 2);
        ledger.recorded(b);
        assert!(ledger.finished(3).is_none() && ledger.is_open_through(1));
        ledger.recorded(a);
        ledger.recorded(a);
        for segment in [1, 2] {
            assert_eq!(ledger.finished(3), Some(segment));
            ledger.removed(segment);
        }
        assert_eq!(ledger.finished(3), None);
        assert_eq!((ledger.bytes(), ledger.newest(), ledger.place_of(a)), (100, 3, None));
    }
}
