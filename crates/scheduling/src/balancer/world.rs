//! Properties of the balancer in a random world: invokers that take, run and report, a topic that delays, words
//! that come late or never.
//!
//! proptest prints the seed of a failing run and the shortest script that still fails; with
//! `PROPTEST_CASES=100000` the search goes deeper.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use whirl_model::{Cores, GpuAmount, GpuLimit, GpuReport};

use super::gpus::tests::{devices, limit, limit_of};
use super::tests::report;
use super::*;

const INVOKERS: u32 = 4;
const TOTAL: u32 = 1024;
/// Thousandths of CPU cores.
const CORES: u32 = 2000;
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
        10 => (0..10u8, 0..3u8, publish, any::<u64>())
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

/// The GPUs of an invoker: two have some.
fn gpus_of(invoker: u32) -> Vec<GpuReport> {
    match invoker {
        1 => devices(&[("a", 1), ("a", 1)]),
        2 => devices(&[("a", 4), ("a", 4), ("b", 4)]),
        _ => Vec::new(),
    }
}

/// What an action needs beside memory.
fn needs_of(action: u8) -> (Option<Cores>, Option<GpuLimit>) {
    let cores = |thousandths| Some(Cores::from_thousandths(thousandths));
    match action {
        3 => (cores(1100), None),
        4 => (cores(250), Some(limit(0.25))),
        5 => (None, Some(limit_of("a", 0.5))),
        6 => (None, Some(limit_of("a", 1.0))),
        7 => (None, Some(limit(2.0))),
        8 => (None, Some(limit_of("b", 1.0))),
        9 => (None, Some(limit(3.0))),
        _ => (None, None),
    }
}

#[derive(Clone, Debug)]
struct Message {
    activation: ActivationId,
    position: Position,
    memory: u32,
    cores: u32,
    gpu: Option<GpuLimit>,
    /// Whether it was sent to wait.
    queued: bool,
}

/// What of each device something holds: the device's number and how many of its ways.
type Parts = Vec<(usize, u32)>;

/// The ways of each device that are free, truly.
#[derive(Clone, Debug, Default)]
struct Free(Vec<GpuReport>);

impl Free {
    fn find(&self, limit: &GpuLimit) -> Option<Parts> {
        let part = |gpu: &GpuReport| match limit.amount {
            GpuAmount::Devices(_) => gpu.device.ways,
            GpuAmount::Share(parts) => gpu.device.ways.div_ceil(parts),
        };
        let fits = |(_, gpu): &(usize, &GpuReport)| self.is_of(gpu, limit) && gpu.free >= part(gpu);
        let mut fitting: Vec<_> = self.0.iter().enumerate().filter(fits).collect();
        fitting.sort_by_key(|(_, gpu)| gpu.free);
        let number = if let GpuAmount::Devices(devices) = limit.amount { devices as usize } else { 1 };
        let parts: Parts = fitting.into_iter().take(number).map(|(n, gpu)| (n, part(gpu))).collect();
        (parts.len() == number).then_some(parts)
    }

    fn is_of(&self, gpu: &GpuReport, limit: &GpuLimit) -> bool {
        limit.class.as_ref().is_none_or(|class| *class == gpu.device.class)
    }

    /// Takes what they need in this order; who has to wait for it lets nobody else have it.
    fn after<'a>(mut self, messages: impl Iterator<Item = &'a Message>) -> Self {
        for limit in messages.filter_map(|message| message.gpu.as_ref()) {
            match self.find(limit) {
                Some(parts) => parts.into_iter().for_each(|(n, ways)| self.0[n].free -= ways),
                None => {
                    let wanted: Vec<_> = self.0.iter().map(|gpu| self.is_of(gpu, limit)).collect();
                    self.0.iter_mut().zip(wanted).filter(|(_, is)| *is).for_each(|(gpu, _)| gpu.free = 0);
                }
            }
        }
        self
    }
}

/// A true invoker: what it has, whatever the balancer believes.
#[derive(Debug, Default)]
struct Host {
    epoch: u64,
    next: u64,
    topic: VecDeque<Message>,
    taken: u64,
    waiting: VecDeque<Message>,
    running: Vec<(Message, Parts)>,
    free: Free,
    begun: u64,
    reports: VecDeque<InvokerReport>,
}

impl Host {
    fn running(&self) -> impl Iterator<Item = &Message> {
        self.running.iter().map(|(message, _)| message)
    }

    /// Everything that was published to it and has not left, of an amount.
    fn demand(&self, amount: fn(&Message) -> u32) -> u32 {
        self.topic.iter().map(amount).sum::<u32>() + self.needed(amount)
    }

    fn needed(&self, amount: fn(&Message) -> u32) -> u32 {
        self.waiting.iter().chain(self.running()).map(amount).sum()
    }

    /// Whether there is room for one more, if all that was published to it stays.
    fn has_room(&self, memory: u32, cpu: Option<Cores>, gpu: Option<&GpuLimit>) -> bool {
        let cores = cpu.map_or(0, Cores::thousandths);
        let free = self.free.clone().after(self.waiting.iter().chain(&self.topic));
        TOTAL.saturating_sub(self.demand(|m| m.memory)) >= memory
            && (cores == 0 || CORES.saturating_sub(self.demand(|m| m.cores)) >= cores)
            && gpu.is_none_or(|gpu| free.find(gpu).is_some())
    }

    fn start(&mut self) {
        while let Some(first) = self.waiting.front() {
            let memory = self.running().map(|m| m.memory).sum::<u32>() + first.memory;
            let cores = self.running().map(|m| m.cores).sum::<u32>() + first.cores;
            let parts = first.gpu.as_ref().map_or(Some(Vec::new()), |gpu| self.free.find(gpu));
            let Some(parts) = parts.filter(|_| memory <= TOTAL && cores <= CORES) else { break };
            parts.iter().for_each(|(n, ways)| self.free.0[*n].free -= ways);
            self.running.extend(self.waiting.pop_front().map(|message| (message, parts)));
        }
    }

    fn leave(&mut self, which: usize) -> Option<Message> {
        let which = which.checked_rem(self.running.len())?;
        let (message, parts) = self.running.swap_remove(which);
        parts.iter().for_each(|(n, ways)| self.free.0[*n].free += ways);
        self.start();
        Some(message)
    }

    fn begin(&mut self) {
        self.begun += 1;
        let free = TOTAL.saturating_sub(self.needed(|m| m.memory));
        let cores = CORES.saturating_sub(self.needed(|m| m.cores));
        self.reports.push_back(InvokerReport {
            waiting: self.waiting.len() as u32,
            cpu_total: Cores::from_thousandths(CORES),
            cpu_free: Cores::from_thousandths(cores),
            gpus: self.free.clone().after(self.waiting.iter()).0,
            ..report(self.begun, self.taken, free)
        });
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
        let (cpu, gpu) = needs_of(action);
        let request = Request { activation, place, memory, cpu, gpu, tags: vec![], deadline: DEADLINE };
        let home_is_full =
            self.homes.get(&action).is_none_or(|home| !self.balancer.view.has_room(home.0, &request));
        let choice = self.balancer.place(self.now, &request, roll);
        self.choices.push(choice);
        if choice == Err(Refusal::NoGpu) {
            let fits = |(id, health): (usize, &Health)| {
                let gpus = gpus::Gpus::new(&gpus_of(id as u32));
                *health == Health::Up && request.gpu.as_ref().is_some_and(|gpu| gpus.could(gpu))
            };
            let health: Vec<_> = self.balancer.states(self.now).into_iter().map(|s| s.state).collect();
            assert!(!health.iter().enumerate().any(fits), "{request:?} is refused");
        }
        let Ok(choice) = choice else { return };
        self.check(action, &request, choice, home_is_full);
        let host = &mut self.hosts[choice.invoker.0 as usize];
        assert_eq!(choice.epoch, Epoch(host.epoch));
        if publish == Publish::Failed {
            self.balancer.withdraw(activation);
            return;
        }
        let (position, queued) = (Position(host.next), choice.reason == Reason::Queued);
        host.next += 1;
        let cores = cpu.map_or(0, Cores::thousandths);
        host.topic.push_back(Message { activation, position, memory, cores, gpu: request.gpu, queued });
        match publish {
            Publish::Known => self.balancer.published(activation, position),
            Publish::KnownLate => self.words.push(Word::Published(activation, position)),
            Publish::UnknownButDone | Publish::Failed => {}
        }
    }

    fn check(&mut self, action: u8, request: &Request, choice: Choice, home_is_full: bool) {
        let host = &self.hosts[choice.invoker.0 as usize];
        let room = host.has_room(request.memory, request.cpu, request.gpu.as_ref());
        let queued = host.topic.iter().chain(&host.waiting).filter(|m| m.queued).count();
        match choice.reason {
            Reason::Queued => assert!(queued < QUEUE as usize, "{queued} wait there already"),
            _ => assert!(room, "{choice:?} of {request:?}, but there are {host:?}"),
        }
        let gpus = gpus::Gpus::new(&gpus_of(choice.invoker.0));
        assert!(request.gpu.as_ref().is_none_or(|gpu| gpus.could(gpu)), "{request:?} at {choice:?}");
        let health: Vec<_> = self.balancer.states(self.now).into_iter().map(|s| s.state).collect();
        if health != self.health {
            self.health = health;
            self.homes.clear();
        }
        match choice.reason {
            Reason::Home => {
                assert_eq!(*self.homes.entry(action).or_insert(choice.invoker), choice.invoker);
            }
            _ => assert!(home_is_full || !self.homes.contains_key(&action), "{choice:?} past home"),
        }
    }

    fn leave(&mut self, invoker: u32, which: usize, internal_error: bool) {
        let host = &mut self.hosts[invoker as usize];
        let Some(Message { activation, .. }) = host.leave(which) else { return };
        let (epoch, report) = (Epoch(host.epoch), host.begun);
        let ended = Ended { activation, invoker: InvokerId(invoker), epoch, report, internal_error };
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
        *host = Host {
            epoch: host.epoch + 1,
            next: host.next,
            taken: host.next,
            free: Free(gpus_of(invoker)),
            ..Host::default()
        };
        host.begin();
        self.arrive(invoker);
    }

    /// From here on everything is heard of: then nothing must be left over.
    fn wind_down(&mut self) {
        for invoker in 0..INVOKERS {
            while self.hosts[invoker as usize].demand(|_| 1) > 0 {
                self.act(&Step::Take { invoker });
                self.act(&Step::Leave { invoker, which: 0, internal_error: false });
            }
            self.act(&Step::Begin { invoker });
        }
        while !self.words.is_empty() {
            self.act(&Step::Hear { which: 0 });
        }
        for invoker in 0..INVOKERS {
            while !self.hosts[invoker as usize].reports.is_empty() {
                self.arrive(invoker);
            }
            let known = self.balancer.get(invoker).unwrap();
            assert_eq!((known.account.available(), known.account.depth()), (i64::from(TOTAL), 0));
            assert_eq!(known.account.cores(), i64::from(CORES));
            assert_eq!(known.account.gpus(), gpus::Gpus::new(&gpus_of(invoker)));
        }
        assert!(self.balancer.is_settled(), "all has ended, but not for the balancer");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_promised_twice_and_nothing_is_lost(steps in prop::collection::vec(step(), 1..300)) {
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
