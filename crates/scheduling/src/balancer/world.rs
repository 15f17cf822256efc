//! Properties of the balancer in a random world: invokers that take, run and report, a topic that delays, words
//! that come late or never.
//!
//! proptest prints the seed of a failing run and the shortest script that still fails; with
//! `PROPTEST_CASES=100000` the search goes deeper.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::tests::report;
use super::*;

const INVOKERS: u32 = 3;
const TOTAL: u32 = 1024;
const QUEUE: u32 = 3;
/// No activation is given up while the world turns.
const DEADLINE: Moment = Moment::from_secs(1_000_000);

/// One random step. Numbers choose among what is possible at that moment.
#[derive(Clone, Debug)]
enum Step {
    /// A request comes; what becomes of its publish?
    Place {
        action: u8,
        memory: u8,
        publish: Publish,
        roll: u64,
    },
    /// An invoker takes the next activation out of its topic.
    Take {
        invoker: u32,
    },
    /// One of the activations that run in an invoker leaves it.
    Leave {
        invoker: u32,
        which: usize,
        internal_error: bool,
    },
    /// An invoker begins a report.
    Begin {
        invoker: u32,
    },
    /// The oldest report of an invoker that is under way arrives.
    Arrive {
        invoker: u32,
    },
    /// An acknowledgement arrives, or the word that a publish succeeded.
    Hear {
        which: usize,
    },
    /// An invoker begins a new life, as it lost its lease or was restarted.
    Restart {
        invoker: u32,
    },
    Wait {
        seconds: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Publish {
    Known,
    KnownLate,
    UnknownButDone,
    Failed,
}

fn step() -> impl Strategy<Value = Step> {
    let publish = prop_oneof![
        6 => Just(Publish::Known),
        3 => Just(Publish::KnownLate),
        1 => Just(Publish::UnknownButDone),
        1 => Just(Publish::Failed),
    ];
    let invoker = || 0..INVOKERS;
    prop_oneof![
        10 => (0..6u8, 0..3u8, publish, any::<u64>())
            .prop_map(|(action, memory, publish, roll)| Step::Place { action, memory, publish, roll }),
        8 => invoker().prop_map(|invoker| Step::Take { invoker }),
        7 => (invoker(), any::<usize>(), prop::bool::weighted(0.03))
            .prop_map(|(invoker, which, internal_error)| Step::Leave { invoker, which, internal_error }),
        6 => invoker().prop_map(|invoker| Step::Begin { invoker }),
        6 => invoker().prop_map(|invoker| Step::Arrive { invoker }),
        10 => any::<usize>().prop_map(|which| Step::Hear { which }),
        1 => invoker().prop_map(|invoker| Step::Restart { invoker }),
        1 => (0..20u8).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

#[derive(Clone, Copy, Debug)]
struct Message {
    activation: ActivationId,
    position: Position,
    memory: u32,
    /// Whether it was sent to wait.
    queued: bool,
}

/// A true invoker: what it has, whatever the balancer believes.
#[derive(Debug, Default)]
struct Host {
    epoch: u64,
    next: u64,
    topic: VecDeque<Message>,
    taken: u64,
    waiting: VecDeque<Message>,
    running: Vec<Message>,
    begun: u64,
    reports: VecDeque<InvokerReport>,
}

impl Host {
    /// Mebibytes of everything that was published to it and has not left.
    fn demand(&self) -> u32 {
        self.topic.iter().map(|m| m.memory).sum::<u32>() + self.needed()
    }

    fn needed(&self) -> u32 {
        self.waiting.iter().chain(&self.running).map(|m| m.memory).sum()
    }

    fn start(&mut self) {
        while let Some(first) = self.waiting.front() {
            if self.running.iter().map(|m| m.memory).sum::<u32>() + first.memory > TOTAL {
                break;
            }
            self.running.extend(self.waiting.pop_front());
        }
    }

    fn begin(&mut self) {
        self.begun += 1;
        let free = TOTAL.saturating_sub(self.needed());
        let waiting = self.waiting.len() as u32;
        self.reports.push_back(InvokerReport { waiting, ..report(self.begun, self.taken, free) });
    }
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Published(ActivationId, Position),
    Ended(Ended),
}

struct World {
    balancer: Balancer,
    now: Moment,
    next: u128,
    hosts: Vec<Host>,
    words: Vec<Word>,
    /// Where each action went home since the set of healthy invokers changed last.
    homes: BTreeMap<u8, InvokerId>,
    health: Vec<Health>,
    choices: Vec<Result<Choice, Refusal>>,
}

impl World {
    fn new() -> Self {
        let config = BalancerConfig { queue: QUEUE, ..BalancerConfig::default() };
        let mut world = Self {
            balancer: Balancer::new(config),
            now: Moment::ZERO,
            next: 0,
            hosts: (0..INVOKERS).map(|_| Host::default()).collect(),
            words: Vec::new(),
            homes: BTreeMap::new(),
            health: Vec::new(),
            choices: Vec::new(),
        };
        (0..INVOKERS).for_each(|invoker| world.restart(invoker));
        world
    }

    fn act(&mut self, step: &Step) {
        match *step {
            Step::Place { action, memory, publish, roll } => self.place(action, memory, publish, roll),
            Step::Take { invoker } => {
                let host = &mut self.hosts[invoker as usize];
                if let Some(message) = host.topic.pop_front() {
                    host.taken = message.position.0 + 1;
                    host.waiting.push_back(message);
                    host.start();
                }
            }
            Step::Leave { invoker, which, internal_error } => self.leave(invoker, which, internal_error),
            Step::Begin { invoker } => self.hosts[invoker as usize].begin(),
            Step::Arrive { invoker } => self.arrive(invoker),
            Step::Hear { which } => {
                if !self.words.is_empty() {
                    let word = self.words.swap_remove(which % self.words.len());
                    self.hear(word);
                }
            }
            Step::Restart { invoker } => self.restart(invoker),
            Step::Wait { seconds } => self.now += Moment::from_secs(seconds.into()),
        }
    }

    fn place(&mut self, action: u8, memory: u8, publish: Publish, roll: u64) {
        self.next += 1;
        let activation = ActivationId::from_bits(self.next);
        let memory = [128, 256, 512][usize::from(memory)];
        let place = u64::from(action).wrapping_mul(0x0000_0100_0000_01b3);
        let request =
            Request { activation, place, memory, cpu: None, gpu: None, tags: vec![], deadline: DEADLINE };
        let choice = self.balancer.place(self.now, &request, roll);
        self.choices.push(choice);
        let Ok(choice) = choice else { return };
        self.check(action, memory, choice);
        let host = &mut self.hosts[choice.invoker.0 as usize];
        assert_eq!(choice.epoch, Epoch(host.epoch));
        if publish == Publish::Failed {
            self.balancer.withdraw(activation);
            return;
        }
        let (position, queued) = (Position(host.next), choice.reason == Reason::Queued);
        host.next += 1;
        host.topic.push_back(Message { activation, position, memory, queued });
        match publish {
            Publish::Known => self.balancer.published(activation, position),
            Publish::KnownLate => self.words.push(Word::Published(activation, position)),
            Publish::UnknownButDone | Publish::Failed => {}
        }
    }

    fn check(&mut self, action: u8, memory: u32, choice: Choice) {
        let host = &self.hosts[choice.invoker.0 as usize];
        let room = TOTAL.saturating_sub(host.demand()) >= memory;
        let queued = host.topic.iter().chain(&host.waiting).filter(|m| m.queued).count();
        match choice.reason {
            Reason::Queued => assert!(queued < QUEUE as usize, "{queued} wait there already"),
            _ => assert!(room, "{choice:?} of {memory} MiB, but {} are wanted there", host.demand()),
        }
        let health: Vec<_> = self.balancer.states(self.now).into_iter().map(|s| s.state).collect();
        if health != self.health {
            self.health = health;
            self.homes.clear();
        }
        let home = self.homes.get(&action).copied();
        match choice.reason {
            Reason::Home => assert_eq!(*self.homes.entry(action).or_insert(choice.invoker), choice.invoker),
            _ => assert!(home.is_none_or(|home| {
                let reserved = if home == choice.invoker { memory } else { 0 };
                let left = self.balancer.view.standing(home.0).available + reserved as i32;
                left < memory as i32
            })),
        }
    }

    fn leave(&mut self, invoker: u32, which: usize, internal_error: bool) {
        let host = &mut self.hosts[invoker as usize];
        if host.running.is_empty() {
            return;
        }
        let message = host.running.swap_remove(which % host.running.len());
        host.start();
        let (epoch, report) = (Epoch(host.epoch), host.begun);
        let invoker = InvokerId(invoker);
        let ended = Ended { activation: message.activation, invoker, epoch, report, internal_error };
        self.words.push(Word::Ended(ended));
    }

    fn arrive(&mut self, invoker: u32) {
        let host = &mut self.hosts[invoker as usize];
        if let Some(report) = host.reports.pop_front() {
            self.balancer.invoker(self.now, InvokerId(invoker), Epoch(host.epoch), &report);
        }
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Published(activation, position) => self.balancer.published(activation, position),
            Word::Ended(ended) => self.balancer.ended(self.now, &ended),
        }
    }

    /// Half of the lives end with a word, half are noticed by the next one's.
    fn restart(&mut self, invoker: u32) {
        let host = &mut self.hosts[invoker as usize];
        if host.epoch % 2 == 1 {
            self.balancer.gone(InvokerId(invoker), Epoch(host.epoch));
        }
        *host = Host { epoch: host.epoch + 1, next: host.next, taken: host.next, ..Host::default() };
        host.begin();
        self.arrive(invoker);
    }

    /// From here on everything is heard of: then nothing must be left over.
    fn wind_down(&mut self) {
        for invoker in 0..INVOKERS {
            while self.hosts[invoker as usize].demand() > 0 {
                self.act(&Step::Take { invoker });
                self.act(&Step::Leave { invoker, which: 0, internal_error: false });
            }
            self.act(&Step::Begin { invoker });
        }
        while !self.words.is_empty() {
            self.act(&Step::Hear { which: 0 });
        }
        assert_eq!(self.balancer.ledger.len(), 0, "all has ended, but not for the ledger");
        for invoker in 0..INVOKERS {
            while !self.hosts[invoker as usize].reports.is_empty() {
                self.arrive(invoker);
            }
            let known = self.balancer.get(invoker).unwrap();
            assert!(known.account.is_clear());
            assert_eq!((known.account.available(), known.account.depth()), (i64::from(TOTAL), 0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_memory_is_promised_twice_and_none_is_lost(steps in prop::collection::vec(step(), 1..300)) {
        let mut world = World::new();
        for step in &steps {
            world.act(step);
        }
        world.wind_down();
    }

    #[test]
    fn the_same_events_have_the_same_effects(steps in prop::collection::vec(step(), 1..100)) {
        let run = || {
            let mut world = World::new();
            steps.iter().for_each(|step| world.act(step));
            (world.choices, format!("{:?}", world.balancer))
        };
        prop_assert_eq!(run(), run());
    }
}
