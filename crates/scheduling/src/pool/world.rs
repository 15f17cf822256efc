//! Properties of the pool in a random world: any order of arrivals, successes, failures and passing time.
//!
//! proptest prints the seed of a failing run and the shortest script that still fails; with
//! `PROPTEST_CASES=100000` the search goes deeper.

mod actions;
mod invariants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use whirl_model::{ActivationId, GpuId};

use super::*;
use actions::{Ask, config, request};

/// One random step. Numbers choose among what is possible at that moment.
#[derive(Clone, Debug)]
enum Step {
    Arrive(Ask),
    Report {
        which: usize,
        how: u8,
    },
    Condemn {
        which: usize,
    },
    /// Something is told of a container that cannot be.
    Stray {
        which: usize,
        what: u8,
    },
    Probe {
        action: u8,
    },
    /// Time passes; the tick that it brings may be late.
    Wait {
        millis: u16,
        late: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let form = (1..4u8, 0..6u8);
    let ask = (0..2u8, 0..actions::COUNT, form, 0..6u8, prop::option::weighted(0.3, 0..30_000u16));
    let ask = ask.prop_map(|(tenant, action, (revision, given), instances, patience)| {
        Step::Arrive(Ask { tenant, action, revision, given, instances, patience })
    });
    prop_oneof![
        8 => ask,
        16 => (any::<usize>(), 0..12u8).prop_map(|(which, how)| Step::Report { which, how }),
        1 => any::<usize>().prop_map(|which| Step::Condemn { which }),
        1 => (any::<usize>(), 0..6u8).prop_map(|(which, what)| Step::Stray { which, what }),
        1 => (0..actions::COUNT).prop_map(|action| Step::Probe { action }),
        4 => (0..20_000u16, prop::bool::weighted(0.3)).prop_map(|(millis, late)| Step::Wait { millis, late }),
    ]
}

/// Something the shell was asked to do and has not reported on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Provide(ActivationId),
    Start(ContainerId),
    Initialise(ContainerId, ActivationId),
    Run(ContainerId, ActivationId),
    Pause(ContainerId),
    Resume(ContainerId, ActivationId),
    Destroy(ContainerId),
}

impl Pending {
    fn activation(self) -> Option<(ContainerId, ActivationId)> {
        match self {
            Self::Initialise(id, activation) | Self::Run(id, activation) | Self::Resume(id, activation) => {
                Some((id, activation))
            }
            Self::Provide(_) | Self::Start(_) | Self::Pause(_) | Self::Destroy(_) => None,
        }
    }
}

/// A container as the world outside the pool knows it.
#[derive(Debug)]
struct Known {
    stem: Arc<Stem>,
    gpus: Vec<GpuId>,
    /// Whose code it holds.
    holds: Option<WarmKey>,
    /// It was said to run one activation at a time.
    is_serial: bool,
    is_going: bool,
}

/// The world outside the pool: obeys effects and knows what must hold.
struct World {
    pool: Pool,
    now: Moment,
    requests: BTreeMap<ActivationId, Request>,
    ended: BTreeSet<ActivationId>,
    pending: Vec<Pending>,
    /// Those that wait and whose image was provided for them.
    provided: BTreeSet<ActivationId>,
    containers: BTreeMap<ContainerId, Known>,
    /// Whose code was ever in a container.
    ever_held: Vec<WarmKey>,
    wake: Option<Moment>,
    credit: usize,
    drained: bool,
    trace: Vec<Effect>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            pool: Pool::new(config()),
            now: Moment::ZERO,
            requests: BTreeMap::new(),
            ended: BTreeSet::new(),
            pending: Vec::new(),
            provided: BTreeSet::new(),
            containers: BTreeMap::new(),
            ever_held: Vec::new(),
            wake: None,
            credit: 0,
            drained: false,
            trace: Vec::new(),
        };
        world.send(Event::Tick);
        world
    }

    fn send(&mut self, event: Event) {
        let effects = self.pool.handle(self.now, event);
        self.trace.extend(effects.iter().cloned());
        for effect in effects {
            self.obey(effect);
        }
        self.check();
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Provide(activation) => {
                self.check_provide(activation);
                self.pending.push(Pending::Provide(activation));
            }
            Effect::Start(id, stem, gpus) => {
                self.check_devices(&stem, &gpus);
                self.check_image(&stem);
                let known = Known { stem, gpus, holds: None, is_serial: false, is_going: false };
                assert!(self.containers.insert(id, known).is_none(), "{id:?} started twice");
                self.pending.push(Pending::Start(id));
            }
            Effect::Initialise(id, activation, cold) => {
                self.check_initialise(id, activation, cold);
                self.waits_no_more(activation);
                let key = self.requests[&activation].key.clone();
                self.ever_held.push(key.clone());
                self.containers.get_mut(&id).expect("initialises what exists").holds = Some(key);
                self.pending.push(Pending::Initialise(id, activation));
            }
            Effect::Run(id, activation) => {
                self.check_serves(id, activation);
                self.waits_no_more(activation);
                self.pending.push(Pending::Run(id, activation));
            }
            Effect::Resume(id, activation) => {
                self.check_serves(id, activation);
                self.waits_no_more(activation);
                self.pending.push(Pending::Resume(id, activation));
            }
            Effect::Pause(id) => {
                assert_eq!(self.running_in(id), 0, "{id:?} paused while it runs");
                self.pending.push(Pending::Pause(id));
            }
            Effect::Destroy(id) => {
                self.check_destroy(id);
                self.containers.get_mut(&id).expect("destroys what exists").is_going = true;
                self.pending.push(Pending::Destroy(id));
            }
            Effect::Reject(activation, rejection) => {
                self.check_rejection(activation, &rejection);
                self.waits_no_more(activation);
                self.end(activation);
            }
            Effect::GrantCredit(n) => self.credit += n,
            Effect::WakeAt(at) => self.wake = Some(at),
            Effect::Drained => self.drained = true,
        }
    }

    /// Its image is not brought any more.
    fn waits_no_more(&mut self, activation: ActivationId) {
        self.provided.remove(&activation);
        self.pending.retain(|pending| *pending != Pending::Provide(activation));
    }

    fn end(&mut self, activation: ActivationId) {
        assert!(self.requests.contains_key(&activation), "{activation} was never accepted");
        assert!(self.ended.insert(activation), "{activation} ended twice");
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Arrive(ask) => {
                let activation = ActivationId::from_bits(self.requests.len() as u128 + 1);
                let request = request(activation, ask, self.now);
                self.requests.insert(activation, request.clone());
                self.send(Event::Arrived(request));
            }
            Step::Report { which, how } => {
                if !self.pending.is_empty() {
                    let pending = self.pending.remove(which % self.pending.len());
                    self.report(pending, how);
                }
            }
            Step::Condemn { which } => {
                if let Some(id) = self.some_container(which) {
                    self.send(Event::Condemned(id));
                }
            }
            Step::Stray { which, what } => {
                if let Some(id) = self.some_container(which) {
                    self.stray(id, what);
                }
            }
            Step::Probe { action } => {
                let stem = actions::stem(action);
                if !stem.is_users_image() {
                    self.send(Event::Probe(stem));
                }
            }
            Step::Wait { millis, late: true } => self.now += Moment::from_millis(millis.into()),
            Step::Wait { millis, late: false } => self.wait(Moment::from_millis(millis.into())),
        }
    }

    fn some_container(&self, which: usize) -> Option<ContainerId> {
        self.containers.keys().nth(which % self.containers.len().max(1)).copied()
    }

    fn wait(&mut self, span: Moment) {
        self.now += span;
        if self.wake.is_some_and(|at| at <= self.now) {
            self.wake = None;
            self.send(Event::Tick);
        }
    }

    /// Reports on something that was asked for: well if `how` is 4 or more.
    fn report(&mut self, pending: Pending, how: u8) {
        let well = how >= 4;
        match pending {
            Pending::Provide(activation) if well => {
                self.provided.insert(activation);
                self.send(Event::Provided(activation));
            }
            Pending::Provide(activation) => {
                let failure = StartFailure { message: String::new(), developers: true };
                self.send(Event::NotProvided(activation, failure));
            }
            Pending::Start(id) if well => self.send(Event::Started(id)),
            Pending::Start(id) => {
                self.containers.remove(&id);
                self.send(Event::StartFailed(id, StartFailure { message: String::new(), developers: false }));
            }
            Pending::Initialise(id, _) if how == 3 => {
                self.pending.push(pending);
                self.containers.get_mut(&id).expect("it takes code").is_serial = true;
                self.send(Event::Serial(id));
            }
            Pending::Initialise(id, activation) if well => {
                self.pending.push(Pending::Run(id, activation));
                self.send(Event::Initialised(id));
            }
            Pending::Run(id, activation) | Pending::Initialise(id, activation) if how == 0 => {
                self.send(Event::Bounced(id, self.requests[&activation].clone()));
            }
            Pending::Run(id, activation) | Pending::Initialise(id, activation) => {
                self.end(activation);
                self.send(Event::Ended(id, if well { Fate::Keep } else { Fate::Discard }));
            }
            Pending::Pause(id) if how == 3 => self.send(Event::PausePutOff(id)),
            Pending::Pause(id) if well => self.send(Event::Paused(id)),
            Pending::Resume(id, activation) if well => {
                self.pending.push(Pending::Run(id, activation));
                self.send(Event::Resumed(id));
            }
            Pending::Pause(id) | Pending::Resume(id, _) => self.send(Event::FreezerFailed(id)),
            Pending::Destroy(id) if well => {
                self.containers.remove(&id);
                self.send(Event::Removed(id));
            }
            Pending::Destroy(id) => self.send(Event::RemoveFailed(id)),
        }
    }

    /// Tells of a container what nobody asked for.
    fn stray(&mut self, id: ContainerId, what: u8) {
        let runs = self.running_in(id) > 0;
        let asked = |wanted: Pending| self.pending.contains(&wanted);
        match what {
            0 if !asked(Pending::Start(id)) => self.send(Event::Started(id)),
            1 if !runs => self.send(Event::Ended(id, Fate::Discard)),
            2 if !asked(Pending::Pause(id)) => self.send(Event::Paused(id)),
            3 if !runs => self.send(Event::Resumed(id)),
            4 if !self.containers[&id].is_going => self.send(Event::Removed(id)),
            5 if !runs => self.send(Event::Initialised(id)),
            _ => {}
        }
    }

    /// From here on everything goes well: then every activation ends, and after that a drain.
    fn wind_down(&mut self) {
        self.until("every activation ends", |world| world.ended.len() == world.requests.len());
        self.send(Event::Drain);
        self.until("the pool is drained", |world| world.drained);
        assert!(self.containers.is_empty());
        // Only a freezer command may be late: its container was condemned and removed meanwhile.
        assert!(self.pending.iter().all(|p| matches!(p, Pending::Pause(_))));
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..20_000 {
            if is_so(self) {
                return;
            }
            match self.pending.is_empty() {
                false => {
                    let pending = self.pending.remove(0);
                    self.report(pending, 7);
                }
                true => self.wait(Moment::from_secs(10)),
            }
        }
        panic!("it never is so that {what}: {:#?}", self.pool);
    }
}

fn played(steps: &[Step]) -> World {
    let mut world = World::new();
    steps.iter().for_each(|step| world.act(step));
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_activation_ends_once_and_no_bound_is_broken(steps in prop::collection::vec(step(), 1..200)) {
        played(&steps).wind_down();
    }

    #[test]
    fn the_same_events_have_the_same_effects(steps in prop::collection::vec(step(), 1..100)) {
        prop_assert_eq!(played(&steps).trace, played(&steps).trace);
    }
}
