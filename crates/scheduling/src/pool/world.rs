//! Properties of the pool in a random world: any order of arrivals, successes, failures and passing time.
//!
//! proptest prints the seed of a failing run and the shortest script that still fails; with
//! `PROPTEST_CASES=100000` the search goes deeper.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use whirl_model::{ActivationId, DocId, Kind, Revision};

use super::*;

const MEMORY: u32 = 1024;

/// One random step. Numbers choose among what is possible at that moment.
#[derive(Clone, Debug)]
enum Step {
    Arrive { tenant: u8, action: u8, memory: u8, concurrency: u8 },
    Report { which: usize, how: u8 },
    Condemn { which: usize },
    Probe { memory: u8 },
    Wait { millis: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2u8, 0..3u8, 0..3u8, 1..4u8)
            .prop_map(|(tenant, action, memory, concurrency)| Step::Arrive { tenant, action, memory, concurrency }),
        8 => (any::<usize>(), 0..8u8).prop_map(|(which, how)| Step::Report { which, how }),
        1 => any::<usize>().prop_map(|which| Step::Condemn { which }),
        1 => (0..3u8).prop_map(|memory| Step::Probe { memory }),
        2 => (0..20_000u16).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// Something the shell was asked to do and has not reported on.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Start(ContainerId),
    Initialise(ContainerId, ActivationId),
    Run(ContainerId, ActivationId),
    Pause(ContainerId),
    Resume(ContainerId, ActivationId),
    Destroy(ContainerId),
}

/// The world outside the pool: obeys effects and knows what must hold.
struct World {
    pool: Pool,
    now: Moment,
    next: u128,
    requests: BTreeMap<ActivationId, Request>,
    ended: BTreeSet<ActivationId>,
    pending: Vec<Pending>,
    /// Containers that exist, their stem, and whose code they hold.
    containers: BTreeMap<ContainerId, (Arc<Stem>, Option<WarmKey>)>,
    wake: Option<Moment>,
    credit: usize,
    drained: bool,
}

impl World {
    fn new() -> Self {
        let reactive = ReactiveRule {
            min_count: 1,
            max_count: 2,
            ttl: Moment::from_secs(1),
            threshold: 1,
            increment: 1,
        };
        let rule = StemRule { stem: stem(0), initial_count: 1, reactive: Some(reactive) };
        let config = PoolConfig {
            memory: MEMORY,
            parallel_starts: 2,
            max_bypass: 2,
            stem_check_interval: Moment::from_secs(5),
            stem_cells: vec![rule],
            ..PoolConfig::default()
        };
        Self {
            pool: Pool::new(config),
            now: Moment::ZERO,
            next: 0,
            requests: BTreeMap::new(),
            ended: BTreeSet::new(),
            pending: Vec::new(),
            containers: BTreeMap::new(),
            wake: None,
            credit: 0,
            drained: false,
        }
    }

    fn send(&mut self, event: Event) {
        let effects = self.pool.handle(self.now, event);
        for effect in effects {
            self.obey(effect);
        }
        self.check();
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Start(id, stem, _) => {
                assert!(self.containers.insert(id, (stem, None)).is_none(), "{id:?} started twice");
                self.pending.push(Pending::Start(id));
            }
            Effect::Initialise(id, activation, _) => {
                let request = &self.requests[&activation];
                let (stem, holds) = self.containers.get_mut(&id).expect("initialises what exists");
                assert_eq!(*stem, request.stem, "initialised on another stem");
                assert!(holds.replace(request.key.clone()).is_none(), "{id:?} initialised twice");
                self.pending.push(Pending::Initialise(id, activation));
            }
            Effect::Run(id, activation) => {
                self.serves(id, activation);
                self.pending.push(Pending::Run(id, activation));
            }
            Effect::Resume(id, activation) => {
                self.serves(id, activation);
                self.pending.push(Pending::Resume(id, activation));
            }
            Effect::Pause(id) => {
                assert_eq!(self.running_in(id), 0, "{id:?} paused while it runs");
                self.pending.push(Pending::Pause(id));
            }
            Effect::Destroy(id) => {
                assert_eq!(self.running_in(id), 0, "{id:?} destroyed while it runs");
                assert!(self.containers.contains_key(&id), "{id:?} destroyed though it is gone");
                self.pending.push(Pending::Destroy(id));
            }
            Effect::Reject(activation, _) => self.end(activation),
            Effect::GrantCredit(n) => self.credit += n,
            Effect::WakeAt(at) => self.wake = Some(at),
            Effect::Drained => self.drained = true,
        }
    }

    /// A container serves one namespace, one action, one revision.
    fn serves(&self, id: ContainerId, activation: ActivationId) {
        assert_eq!(self.containers[&id].1.as_ref(), Some(&self.requests[&activation].key));
    }

    fn running_in(&self, id: ContainerId) -> usize {
        let runs = self.pending.iter().filter(|p| match p {
            Pending::Initialise(c, _) | Pending::Run(c, _) | Pending::Resume(c, _) => *c == id,
            _ => false,
        });
        runs.count()
    }

    fn end(&mut self, activation: ActivationId) {
        assert!(self.requests.contains_key(&activation), "{activation} was never accepted");
        assert!(self.ended.insert(activation), "{activation} ended twice");
    }

    fn check(&self) {
        let used: u32 = self.containers.values().map(|(stem, _)| stem.memory).sum();
        assert!(used <= MEMORY, "{used} MB reserved");
        assert_eq!(used, self.pool.status().memory_used, "memory is counted until removal is confirmed");
        for id in self.containers.keys() {
            let concurrency = self.containers[id].1.as_ref().map_or(1, concurrency);
            assert!(self.running_in(*id) <= concurrency as usize, "{id:?} runs too many");
        }
        let in_pending: BTreeSet<ActivationId> = self
            .pending
            .iter()
            .filter_map(|p| match p {
                Pending::Initialise(_, a) | Pending::Run(_, a) | Pending::Resume(_, a) => Some(*a),
                _ => None,
            })
            .collect();
        let open = self.requests.len() - self.ended.len();
        assert_eq!(open, in_pending.len() + self.pool.status().waiting, "an activation is lost");
        assert_eq!(self.credit, self.ended.len(), "credit follows ends");
        let load = self.pool.load();
        assert_eq!(open, load.running + load.waiting, "the load tells of every activation");
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Arrive { tenant, action, memory, concurrency } => {
                self.arrive(tenant, action, memory, concurrency);
            }
            Step::Report { which, how } => {
                if !self.pending.is_empty() {
                    let pending = self.pending.remove(which % self.pending.len());
                    self.report(pending, how);
                }
            }
            Step::Condemn { which } => {
                if let Some(id) = self.containers.keys().nth(which % self.containers.len().max(1)).copied() {
                    self.send(Event::Condemned(id));
                }
            }
            Step::Probe { memory } => self.send(Event::Probe(stem(memory))),
            Step::Wait { millis } => self.wait(Moment::from_millis(millis.into())),
        }
    }

    fn wait(&mut self, span: Moment) {
        self.now += span;
        if self.wake.is_some_and(|at| at <= self.now) {
            self.wake = None;
            self.send(Event::Tick);
        }
    }

    fn arrive(&mut self, tenant: u8, action: u8, memory: u8, concurrency: u8) {
        self.next += 1;
        let key = WarmKey {
            namespace: ["alice", "mallory"][usize::from(tenant)].parse().unwrap(),
            action: DocId::from(["a", "b", "c"][usize::from(action)]),
            revision: Revision::from(format!("{concurrency}-x")),
        };
        let activation = ActivationId::from_bits(self.next);
        let request = Request {
            activation,
            concurrency: self::concurrency(&key),
            key,
            stem: stem(memory),
            instances: None,
            deadline: None,
        };
        self.requests.insert(activation, request.clone());
        self.send(Event::Arrived(request));
    }

    /// Reports on something that was asked for: well if `how` is 3 or more.
    fn report(&mut self, pending: Pending, how: u8) {
        let well = how >= 3;
        match pending {
            Pending::Start(id) if well => self.send(Event::Started(id)),
            Pending::Start(id) => {
                self.containers.remove(&id);
                self.send(Event::StartFailed(id, StartFailure { message: String::new(), developers: false }));
            }
            Pending::Initialise(id, activation) if well => {
                self.pending.push(Pending::Run(id, activation));
                self.send(Event::Initialised(id));
            }
            Pending::Run(id, activation) if how == 0 => {
                self.send(Event::Bounced(id, self.requests[&activation].clone()));
            }
            Pending::Run(id, activation) | Pending::Initialise(id, activation) => {
                self.end(activation);
                self.send(Event::Ended(id, if well { Fate::Keep } else { Fate::Discard }));
            }
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

    /// From here on everything goes well: then everything must come to its end.
    fn wind_down(&mut self) {
        self.send(Event::Drain);
        for _ in 0..10_000 {
            if self.drained {
                break;
            }
            match self.pending.is_empty() {
                false => {
                    let pending = self.pending.remove(0);
                    self.report(pending, 7);
                }
                true => self.wait(Moment::from_secs(10)),
            }
        }
        assert!(self.drained, "the pool does not come to rest: {:?}", self.pool.status());
        assert_eq!(self.ended.len(), self.requests.len(), "an activation never ended");
        assert!(self.containers.is_empty());
        // Only a freezer command may be late: its container was condemned and removed meanwhile.
        assert!(self.pending.iter().all(|p| matches!(p, Pending::Pause(_))));
    }
}

fn concurrency(key: &WarmKey) -> u32 {
    key.revision.as_str().split('-').next().and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn stem(memory: u8) -> Arc<Stem> {
    let memory = [256, 512, 2048][usize::from(memory)];
    Arc::new(Stem {
        kind: Kind::new("nodejs:20"),
        image: "whirl/node".parse().unwrap(),
        memory,
        cpu: None,
        gpu: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_activation_ends_once_and_no_bound_is_broken(steps in prop::collection::vec(step(), 1..200)) {
        let mut world = World::new();
        world.send(Event::Tick);
        for step in &steps {
            world.act(step);
        }
        world.wind_down();
    }

    #[test]
    fn the_same_events_have_the_same_effects(steps in prop::collection::vec(step(), 1..100)) {
        let run = || {
            let mut world = World::new();
            world.send(Event::Tick);
            steps.iter().for_each(|step| world.act(step));
            format!("{:?}", world.pool)
        };
        prop_assert_eq!(run(), run());
    }
}
