//! Results of activations that ended a moment ago, as many as fit into a bound.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use whirl_model::{ActivationId, ActivationRecord};

/// What a recent record weighs besides its result.
const RECORD_BYTES: usize = 1024;

/// The newest records, as many as fit, each with whether it is to be kept.
pub(super) struct Recent {
    records: HashMap<ActivationId, (Arc<ActivationRecord>, bool)>,
    order: VecDeque<ActivationId>,
    bytes: usize,
    max_bytes: usize,
}

impl Recent {
    /// Nothing yet; remembers so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { records: HashMap::new(), order: VecDeque::new(), bytes: 0, max_bytes }
    }

    /// A record that is remembered, and whether it is to be kept.
    pub(super) fn get(&self, id: ActivationId) -> Option<(Arc<ActivationRecord>, bool)> {
        self.records.get(&id).cloned()
    }

    /// Remembers a record, and forgets the oldest for it.
    pub(super) fn insert(&mut self, record: Arc<ActivationRecord>, is_kept: bool) {
        let id = record.activation_id;
        self.bytes += weight(&record);
        match self.records.insert(id, (record, is_kept)) {
            Some((replaced, _)) => self.bytes -= weight(&replaced),
            None => self.order.push_back(id),
        }
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some((record, _)) = self.records.remove(&oldest) {
                self.bytes -= weight(&record);
            }
        }
    }
}

fn weight(record: &ActivationRecord) -> usize {
    RECORD_BYTES + record.response.result.as_ref().map_or(0, |result| result.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    #[test]
    fn recent_results_stay_within_their_bound() {
        let mut recent = Recent::new(4 * RECORD_BYTES);
        for id in 0..100 {
            recent.insert(record(id, "x"), true);
            recent.insert(record(id, "yy"), true);
        }
        assert!(recent.bytes <= recent.max_bytes && recent.get(ActivationId::from_bits(99)).is_some());
        assert_eq!((recent.records.len(), recent.order.len()), (3, 3));
        recent.insert(record(100, &"z".repeat(5000)), true);
        assert_eq!((recent.records.len(), recent.bytes), (0, 0));
    }
}
