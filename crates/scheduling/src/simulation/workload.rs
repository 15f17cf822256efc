//! Who calls what, and when: tenants with actions of all kinds, some called much more often than others, in bursts
//! and lulls, and new revisions of them now and then.

use std::sync::Arc;
use std::time::Duration;

use whirl_model::health::placement_hash;
use whirl_model::{Cores, DocId, GpuAmount, GpuLimit, Kind, Namespace, Revision};

use super::dice::Dice;
use crate::pool::{Stem, WarmKey};

/// Tenants per invoker, and actions of each.
const TENANTS: usize = 2;
const ACTIONS: usize = 5;
/// Microseconds from one arrival to the next at high tide, on average, where there is one invoker: more than it
/// can bear.
const PACE: u64 = 30_000;

/// One action as one namespace invokes it.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// Its namespace, name and revision.
    pub(super) key: WarmKey,
    /// Its number among all, and the number of its revision.
    pub(super) identity: (usize, u32),
    /// Its place in the hash ring.
    pub(super) place: u64,
    pub(super) stem: Arc<Stem>,
    pub(super) concurrency: u32,
    pub(super) instances: Option<u32>,
    /// How long it takes its code to come up, and to run, about.
    pub(super) init: Duration,
    pub(super) run: Duration,
    /// How long its activations may wait at an invoker.
    pub(super) patience: Option<Duration>,
}

/// All actions, and the rhythm of their calls.
#[derive(Debug)]
pub(super) struct Workload {
    dice: Dice,
    actions: Vec<Arc<Action>>,
    /// Microseconds between two arrivals at high tide, on average.
    pace: u64,
    /// How much less comes than that.
    ebb: u64,
    /// The action that everybody calls at the moment, and how often yet.
    burst: Option<(usize, u64)>,
}

impl Workload {
    /// Work for so many invokers: now less than they can do, now more.
    pub(super) fn new(mut dice: Dice, invokers: u32) -> Self {
        let number = invokers as usize * TENANTS * ACTIONS;
        let actions = (0..number).map(|number| Arc::new(Action::new(number, &mut dice))).collect();
        Self { dice, actions, pace: (PACE / u64::from(invokers)).max(1), ebb: 4, burst: None }
    }

    /// Who is called next, and how long that is from now.
    pub(super) fn next(&mut self) -> (Duration, Arc<Action>) {
        if let Some((action, left)) = self.burst {
            self.burst = (left > 1).then_some((action, left - 1));
            return (self.dice.micros(0, self.pace / 8), Arc::clone(&self.actions[action]));
        }
        if self.dice.one_in(2_000) {
            self.burst = Some((self.any(), self.dice.below(300) + 1));
        }
        if self.dice.one_in(3_000) {
            self.ebb = self.dice.pick(&[1, 2, 3, 4, 8, 8]);
        }
        let lull = self.dice.one_in(20_000);
        let most = self.pace * self.ebb * 2;
        let gap = if lull { self.dice.millis(5_000, 90_000) } else { self.dice.micros(0, most) };
        let action = self.any();
        (gap, Arc::clone(&self.actions[action]))
    }

    /// Some action gets another revision.
    pub(super) fn update(&mut self) {
        let number = self.any();
        let action = Arc::make_mut(&mut self.actions[number]);
        action.identity.1 += 1;
        action.key.revision = Revision::from(format!("{}-x", action.identity.1));
    }

    fn any(&mut self) -> usize {
        self.dice.skewed(self.actions.len() as u64) as usize
    }
}

impl Action {
    fn new(number: usize, dice: &mut Dice) -> Self {
        let namespace: Namespace =
            format!("tenant{}", number / ACTIONS).parse().expect("letters and digits are a namespace");
        let action = DocId::from(format!("{namespace}/action{number}").as_str());
        let (init, run) = match dice.below(10) {
            0..5 => (dice.millis(2, 20), dice.micros(500, 10_000)),
            5..9 => (dice.millis(10, 300), dice.millis(10, 200)),
            _ => (dice.millis(100, 1_000), dice.millis(300, 2_000)),
        };
        Self {
            place: placement_hash(&namespace, &action),
            key: WarmKey {
                namespace,
                action,
                revision: Revision::from("0-x".to_owned()),
                binding: None,
                environment: None,
            },
            identity: (number, 0),
            stem: Arc::new(stem(dice)),
            concurrency: dice.pick(&[1, 1, 1, 1, 4, 16]),
            instances: dice.pick(&[None, None, None, None, Some(1), Some(3)]),
            init,
            run,
            patience: dice.pick(&[
                None,
                Some(Duration::from_secs(60)),
                Some(Duration::from_secs(60)),
                Some(Duration::from_secs(5)),
            ]),
        }
    }
}

/// A kind that has stem cells, or one that has none.
pub(super) fn plain_stem(kind: &str, memory: u32) -> Stem {
    let image = format!("whirl/{kind}").parse().expect("a name and a tag are an image");
    Stem { kind: Kind::new(kind), image, memory, cpu: None, gpu: None }
}

/// Most want memory alone; some cores of their own, some GPUs, and a few what nobody has.
fn stem(dice: &mut Dice) -> Stem {
    let plain = plain_stem(dice.pick(&["nodejs", "nodejs", "python", "blackbox"]), 256);
    let memory = dice.pick(&[128, 256, 256, 256, 256, 512, 512, 1024]);
    match dice.below(20) {
        0..12 => Stem { memory, ..plain },
        12..16 => {
            let cores = dice.pick(&[250, 500, 1000, 1500]);
            Stem { memory, cpu: Some(Cores::from_thousandths(cores)), ..plain }
        }
        16..19 => Stem { memory, gpu: Some(gpu(dice)), ..plain },
        _ => match dice.below(3) {
            0 => Stem { memory: 1 << 20, ..plain },
            1 => Stem { cpu: Some(Cores::from_thousandths(1_000_000)), ..plain },
            _ => {
                let class = "h100".parse().expect("a class of GPUs");
                Stem { gpu: Some(GpuLimit { amount: GpuAmount::Devices(1), class: Some(class) }), ..plain }
            }
        },
    }
}

fn gpu(dice: &mut Dice) -> GpuLimit {
    let amount = dice.pick(&[
        GpuAmount::Devices(1),
        GpuAmount::Devices(1),
        GpuAmount::Devices(2),
        GpuAmount::Share(2),
        GpuAmount::Share(4),
        GpuAmount::Share(4),
    ]);
    let class = dice.pick(&[None, Some("a100"), Some("t4")]);
    GpuLimit { amount, class: class.map(|class| class.parse().expect("a class of GPUs")) }
}
