//! What the throttles' decision on a request costs, from one namespace to a hundred thousand that are active in the
//! same minute. Needs neither Docker nor a `whirl`.

use std::hint::black_box;
use std::time::Instant;

use serde_json::json;
use whirl_scheduling::throttle::{RateThrottle, admit_concurrent, share};

use super::{Plan, median, nanos_each};
use crate::error::Error;
use crate::report::{Row, Section};

const NAMESPACES: [usize; 3] = [1, 1_000, 100_000];
/// Decisions timed together, and how often.
const BLOCK: usize = 10_000;
const BLOCKS: usize = 41;
/// So that each decision is another namespace's than those before it: a prime number.
const STRIDE: usize = 7_919;
/// Nanoseconds that a decision may take at the median.
const TARGET: f64 = 1000.0;

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let mut cases = NAMESPACES.map(Case::new);
    for _ in 0..BLOCKS {
        for case in &mut cases {
            plan.stop.check()?;
            case.block();
        }
    }
    let raw = cases.iter().map(|case| json!({ "namespaces": case.names.len(), "decision_ns": case.nanos }));
    Ok(vec![Section {
        title: "A decision of the throttles".to_owned(),
        columns: vec!["decision ns"],
        raw: raw.collect(),
        rows: cases.into_iter().map(Case::row).collect(),
        notes: vec![format!(
            "The controller's share of the two limits, the count of the minute and the bound on what is in flight, \
             without the lock around the count. Median of {BLOCKS} blocks of {BLOCK}, all cases in turns, the next \
             request always another namespace's."
        )],
    }])
}

/// So many namespaces that are active in one minute.
struct Case {
    throttle: RateThrottle,
    names: Vec<String>,
    next: usize,
    refused: u64,
    /// Nanoseconds per decision, block by block.
    nanos: Vec<f64>,
}

impl Case {
    fn new(namespaces: usize) -> Self {
        let uuid = |number| format!("{number:08x}-0000-4000-8000-000000000000");
        let mut case = Self {
            throttle: RateThrottle::default(),
            names: (0..namespaces).map(uuid).collect(),
            next: 0,
            refused: 0,
            nanos: Vec::new(),
        };
        for name in &case.names {
            case.refused += u64::from(case.throttle.admit(0, name, u32::MAX).is_err());
        }
        case
    }

    fn block(&mut self) {
        let began = Instant::now();
        for _ in 0..BLOCK {
            let name = &self.names[self.next];
            self.next = (self.next + STRIDE) % self.names.len();
            let (per_minute, at_once) = (share(black_box(u32::MAX), 2), share(black_box(1000), 2));
            let admitted = self.throttle.admit(black_box(0), name, per_minute);
            let admitted = admitted.and_then(|()| admit_concurrent(black_box(0), at_once));
            self.refused += u64::from(black_box(admitted).is_err());
        }
        self.nanos.push(nanos_each(BLOCK, began));
    }

    fn row(self) -> Row {
        let (name, decisions) = (format!("{} namespaces", self.names.len()), self.nanos.len() * BLOCK);
        Row::new(name, [median(self.nanos)])
            .calls(decisions as u64, self.refused)
            .at_most("decision", 0, TARGET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_namespace_gets_its_turn_and_none_is_refused() {
        let mut case = Case::new(1_000);
        case.block();
        let counts: Vec<_> =
            case.names.iter().map(|name| case.throttle.admit(0, name, 0).unwrap_err().count).collect();
        assert_eq!((counts, case.refused), (vec![12; 1_000], 0));
    }
}
