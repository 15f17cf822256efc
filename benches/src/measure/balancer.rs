//! What a decision of the balancer costs, from ten invokers to ten thousand, with half of their memory taken and
//! with nearly all. Needs neither Docker nor a `whirl`.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use whirl_model::{ActivationId, Epoch, InvokerId, InvokerReport, Position, Willingness};
use whirl_scheduling::Moment;
use whirl_scheduling::balancer::{Balancer, BalancerConfig, Ended, Reason, Request};

use super::{Plan, median, nanos_each};
use crate::error::Error;
use crate::report::{Row, Section};

const SIZES: [u32; 4] = [10, 100, 1_000, 10_000];
/// Mebibytes of each invoker and of each activation: eight fit.
const INVOKER: u32 = 2048;
const ACTIVATION: u32 = 256;
const ACTIONS_PER_INVOKER: u32 = 10;
/// Decisions timed together, and how often.
const BLOCK: usize = 10_000;
const BLOCKS: usize = 41;
const EPOCH: Epoch = Epoch(1);
const NOW: Moment = Moment::from_secs(1);
const DEADLINE: Moment = Moment::from_secs(3_600);

/// How much of the memory is taken.
#[derive(Clone, Copy, PartialEq)]
struct Load {
    name: &'static str,
    percent: u32,
}

const LOADS: [Load; 2] = [Load { name: "half full", percent: 50 }, Load { name: "nearly full", percent: 95 }];

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let cases = LOADS.iter().flat_map(|&load| SIZES.map(|invokers| (load, invokers)));
    let mut cases = cases.map(|(load, invokers)| Case::new(load, invokers)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..BLOCKS {
        for case in &mut cases {
            plan.stop.check()?;
            case.decide();
            case.place_and_end();
        }
    }
    let raw = cases.iter().map(Case::raw).collect();
    let figures: Vec<_> = cases.into_iter().map(Case::figures).collect();
    Ok(vec![Section {
        title: "A decision of the balancer".to_owned(),
        columns: vec!["decision ns", "first pass ns", "with accounting ns"],
        rows: LOADS.iter().flat_map(|load| rows(*load, &figures)).collect(),
        notes: vec![format!(
            "Eight activations fill an invoker; each is of one of {ACTIONS_PER_INVOKER} actions per invoker at random. 'Half full' has \
             {}% of all memory taken, 'nearly full' {}%. 'Decision' chooses an invoker, for requests that were decided once just before; \
             'first pass' was that first time, after the other cases had the processor's caches. 'With accounting' chooses, reserves, \
             learns the position in the topic, and ends the oldest activation. Median of {BLOCKS} blocks of {BLOCK}, all cases in turns.",
            LOADS[0].percent, LOADS[1].percent
        )],
        raw,
    }])
}

/// What was found in one case.
struct Figures {
    load: Load,
    invokers: u32,
    /// In the order of the section's columns.
    medians: [f64; 3],
    decisions: u64,
    refusals: u64,
}

fn rows(load: Load, figures: &[Figures]) -> Vec<Row> {
    let of_load: Vec<_> = figures.iter().filter(|figures| figures.load == load).collect();
    let (Some(first), Some(last)) = (of_load.first(), of_load.last()) else { return Vec::new() };
    let growth = [0, 1, 2].map(|column| last.medians[column] / first.medians[column]);
    let mut rows: Vec<_> = of_load.iter().map(|figures| row(figures)).collect();
    let name = format!("growth from {} to {}, {}", first.invokers, last.invokers, load.name);
    rows.push(Row::new(name, growth).at_most("decision", 0, 1.5));
    rows
}

fn row(figures: &Figures) -> Row {
    let name = format!("{} invokers, {}", figures.invokers, figures.load.name);
    Row::new(name, figures.medians).calls(figures.decisions, figures.refusals).at_most("decision", 0, 500.0)
}

/// A cluster of some size under some load.
struct Case {
    load: Load,
    invokers: u32,
    balancer: Balancer,
    in_flight: VecDeque<(ActivationId, InvokerId)>,
    dice: Dice,
    next: u64,
    /// Nanoseconds per decision, block by block.
    decisions: Vec<f64>,
    /// The same for decisions that find nothing in the processor's caches.
    first_passes: Vec<f64>,
    /// The same for everything about one activation.
    rounds: Vec<f64>,
    refusals: u64,
    spilled: u64,
}

impl Case {
    fn new(load: Load, invokers: u32) -> Result<Self, Error> {
        let mut balancer = Balancer::new(BalancerConfig::default());
        (0..invokers).for_each(|id| balancer.invoker(NOW, InvokerId(id), EPOCH, &report(id)));
        let mut case = Self {
            load,
            invokers,
            balancer,
            in_flight: VecDeque::new(),
            dice: Dice(u64::from(invokers)),
            next: 0,
            decisions: Vec::new(),
            first_passes: Vec::new(),
            rounds: Vec::new(),
            refusals: 0,
            spilled: 0,
        };
        for _ in 0..invokers * (INVOKER / ACTIVATION) * load.percent / 100 {
            let request = case.request();
            case.place(&request);
        }
        match case.refusals {
            0 => Ok(case),
            _ => Err(Error::Unsuitable("the balancer refuses what there is memory for".to_owned())),
        }
    }

    fn request(&mut self) -> Request {
        let action = self.dice.roll() % u64::from(self.invokers * ACTIONS_PER_INVOKER);
        Request {
            activation: ActivationId::from_bits(self.dice.roll().into()),
            place: Dice(action).roll(),
            memory: ACTIVATION,
            cpu: None,
            gpu: None,
            tags: Vec::new(),
            deadline: DEADLINE,
        }
    }

    fn requests(&mut self) -> Vec<Request> {
        (0..BLOCK).map(|_| self.request()).collect()
    }

    /// Times decisions that change nothing, when they are made first and once more.
    fn decide(&mut self) {
        let requests = self.requests();
        let decide = || {
            let began = Instant::now();
            let refused = |(request, roll)| self.balancer.choose(black_box(request), roll).is_err();
            let refusals =
                requests.iter().zip(0..).map(refused).filter(|refused| black_box(*refused)).count();
            (nanos_each(BLOCK, began), refusals as u64)
        };
        let ((first, _), (again, refusals)) = (decide(), decide());
        self.first_passes.push(first);
        self.decisions.push(again);
        self.refusals += refusals;
    }

    /// Times whole lives of activations.
    fn place_and_end(&mut self) {
        let requests = self.requests();
        let began = Instant::now();
        for request in &requests {
            self.place(request);
            if let Some((activation, invoker)) = self.in_flight.pop_front() {
                let ended = Ended { activation, invoker, epoch: EPOCH, report: 1, internal_error: false };
                self.balancer.ended(NOW, &ended);
            }
        }
        self.rounds.push(nanos_each(BLOCK, began));
    }

    fn place(&mut self, request: &Request) {
        let roll = self.dice.roll();
        let Ok(choice) = self.balancer.place(NOW, request, roll) else {
            self.refusals += 1;
            return;
        };
        self.next += 1;
        self.balancer.published(request.activation, Position(self.next));
        self.in_flight.push_back((request.activation, choice.invoker));
        self.spilled += u64::from(choice.reason != Reason::Home);
    }

    fn raw(&self) -> Value {
        json!({
            "invokers": self.invokers,
            "percent": self.load.percent,
            "decision_ns": self.decisions,
            "first_pass_ns": self.first_passes,
            "with_accounting_ns": self.rounds,
            "not_home": self.spilled,
        })
    }

    fn figures(self) -> Figures {
        Figures {
            load: self.load,
            invokers: self.invokers,
            decisions: ((self.decisions.len() + self.rounds.len()) * BLOCK) as u64,
            medians: [self.decisions, self.first_passes, self.rounds].map(median),
            refusals: self.refusals,
        }
    }
}

fn report(id: u32) -> InvokerReport {
    InvokerReport {
        name: format!("invoker {id}"),
        version: String::new(),
        status: Willingness::Up,
        reason: None,
        serial: 1,
        taken: Position(0),
        memory_total: INVOKER,
        memory_free: INVOKER,
        waiting: 0,
        cpu_total: whirl_model::Cores::default(),
        cpu_free: whirl_model::Cores::default(),
        gpus: Vec::new(),
        tags: Vec::new(),
        warm: Vec::new(),
        endpoint: None,
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_stays_as_loaded_as_it_was_made() {
        for load in LOADS {
            let mut case = Case::new(load, 10).unwrap();
            let before = case.in_flight.len();
            case.decide();
            case.place_and_end();
            assert_eq!((case.in_flight.len(), case.refusals), (before, 0), "{}", load.name);
            assert!(case.spilled > 0 || load.percent < 90, "homes are full");
        }
    }

    #[test]
    fn growth_is_judged_per_load() {
        let case = |load, invokers, decision| Figures {
            load,
            invokers,
            medians: [decision, 100.0, 400.0],
            decisions: 1,
            refusals: 0,
        };
        let figures = [case(LOADS[0], 10, 100.0), case(LOADS[0], 10_000, 120.0), case(LOADS[1], 10, 1.0)];
        let rows = rows(LOADS[0], &figures);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2].figures, [Some(1.2), Some(1.0), Some(1.0)]);
        assert!(rows.iter().flat_map(|row| &row.verdicts).all(|verdict| verdict.met));
    }
}
