//! The simulated cluster from the controllers' side: requests come, are placed and published; reports and
//! acknowledgements arrive late; invokers die, drain and come back.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use whirl_model::{ActivationId, Epoch, InvokerId, InvokerReport, Position};

use super::agenda::Agenda;
use super::audit::{Found, ensure};
use super::dice::Dice;
use super::host::{Host, Work};
use super::outcome::{Report, Spans, Trace};
use super::task::Task;
use super::workload::{Action, Workload};
use crate::Moment;
use crate::balancer::{Balancer, BalancerConfig, Choice, Ended, Health, Refusal, Request};

/// Whoever has not heard of an activation for so long never will.
const FOREVER: Duration = Duration::from_secs(900);
/// Between two reports of an invoker.
const BEAT: Duration = Duration::from_millis(200);
/// How long a lease goes on without its holder.
const LEASE: Duration = Duration::from_secs(3);

/// What happens.
#[derive(Debug)]
pub(super) enum Event {
    /// A request comes.
    Arrive(Arc<Action>),
    /// Somebody changes an action.
    Update,
    /// Something befalls a host.
    Trouble,
    /// A controller learns where in the topic an activation is.
    Published { controller: usize, activation: ActivationId, position: Position },
    /// A controller is told how an invoker is.
    Told { controller: usize, invoker: InvokerId, epoch: Epoch, report: Rc<InvokerReport> },
    /// A controller hears that an activation has ended.
    Heard { controller: usize, ended: Ended },
    /// A controller notices that a lease has ended.
    Gone { controller: usize, invoker: InvokerId, epoch: Epoch },
    /// An invoker comes up.
    Join(usize),
    /// Something of one life of an invoker.
    Of { host: usize, epoch: Epoch, event: LifeEvent },
}

/// What happens in one life of an invoker; after it, nothing of that.
#[derive(Clone, Copy, Debug)]
pub(super) enum LifeEvent {
    /// There is something to be taken from the topic, or credit to take it.
    Take,
    /// It may be time to report.
    Beat,
    /// The pool wanted to be woken.
    Tick,
    /// Nothing more is to come: the pool drains.
    Drain,
    /// The factory, or the code, has done something.
    Done(Task),
}

/// One controller.
#[derive(Debug)]
struct Controller {
    balancer: Balancer,
    /// The latest life of each invoker that it has heard of.
    lives: Vec<Epoch>,
    /// Its activations that have not ended, and where they are.
    open: BTreeMap<ActivationId, (InvokerId, Epoch)>,
    /// When it is to have heard of them, in order.
    due: VecDeque<(Moment, ActivationId)>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) agenda: Agenda<Event>,
    pub(super) dice: Dice,
    pub(super) hosts: Vec<Host>,
    pub(super) trace: Trace,
    pub(super) waits: Spans,
    pub(super) report: Report,
    /// From now on nothing new comes and nothing fails.
    pub(super) calm: bool,
    controllers: Vec<Controller>,
    workload: Workload,
    epochs: u64,
}

impl Cluster {
    pub(super) fn new(seed: u64, invokers: u32, controllers: usize) -> Self {
        let mut dice = Dice::new(seed);
        let workload = Workload::new(Dice::new(dice.roll()), invokers);
        let config = BalancerConfig { queue: 64, rest: Duration::from_secs(5) };
        let controller = || Controller {
            balancer: Balancer::new(config),
            lives: vec![Epoch::default(); invokers as usize],
            open: BTreeMap::new(),
            due: VecDeque::new(),
        };
        let mut cluster = Self {
            agenda: Agenda::new(),
            hosts: (0..invokers).map(|id| Host::new(InvokerId(id), &mut dice)).collect(),
            dice,
            trace: Trace::new(),
            waits: Spans::new(),
            report: Report { seed, ..Report::default() },
            calm: false,
            controllers: (0..controllers).map(|_| controller()).collect(),
            workload,
            epochs: 0,
        };
        (0..cluster.hosts.len()).for_each(|host| cluster.agenda.at(Moment::ZERO, Event::Join(host)));
        cluster.agenda.after(Duration::from_secs(30), Event::Trouble);
        cluster.agenda.after(Duration::from_secs(5), Event::Update);
        cluster.expect_request();
        cluster
    }

    /// Lets the next event happen. Whether there was one.
    pub(super) fn step(&mut self) -> Found<bool> {
        let Some(event) = self.agenda.next() else { return Ok(false) };
        self.report.events += 1;
        match event {
            Event::Arrive(action) => self.arrive(&action)?,
            Event::Update => self.update(),
            Event::Trouble => self.trouble()?,
            Event::Published { controller, activation, position } => {
                self.controllers[controller].balancer.published(activation, position);
            }
            Event::Told { controller, invoker, epoch, report } => {
                self.told(controller, invoker, epoch, &report);
            }
            Event::Heard { controller, ended } => self.heard(controller, &ended)?,
            Event::Gone { controller, invoker, epoch } => {
                self.controllers[controller].balancer.gone(invoker, epoch);
                self.lost(controller, invoker, |life| life <= epoch);
            }
            Event::Join(host) => self.join(host)?,
            Event::Of { host, epoch, event } if self.hosts[host].lives(epoch) => self.live(host, event)?,
            Event::Of { .. } => {}
        }
        self.check_due()?;
        ensure(!self.agenda.is_stuck(), || "one thing leads to another and time stands still".to_owned())?;
        Ok(true)
    }

    fn live(&mut self, host: usize, event: LifeEvent) -> Found {
        match event {
            LifeEvent::Take => self.take(host),
            LifeEvent::Beat => {
                self.later(host, BEAT, LifeEvent::Beat);
                self.tell(host)
            }
            LifeEvent::Tick => self.tick(host),
            LifeEvent::Drain => self.drain(host),
            LifeEvent::Done(task) => self.done(host, task),
        }
    }

    /// Something happens in a host's present life after a while.
    pub(super) fn later(&mut self, host: usize, span: Duration, event: LifeEvent) {
        if let Some(life) = &self.hosts[host].life {
            let epoch = life.epoch;
            self.agenda.after(span, Event::Of { host, epoch, event });
        }
    }

    fn expect_request(&mut self) {
        let (gap, action) = self.workload.next();
        self.agenda.after(gap, Event::Arrive(action));
    }

    fn arrive(&mut self, action: &Arc<Action>) -> Found {
        if self.calm {
            return Ok(());
        }
        self.expect_request();
        let now = self.agenda.now();
        let activation = ActivationId::from_bits(self.report.events.into());
        let request = Request {
            activation,
            place: action.place,
            memory: action.stem.memory,
            cpu: action.stem.cpu,
            gpu: action.stem.gpu.clone(),
            tags: Vec::new(),
            deadline: now + FOREVER,
        };
        let number = self.dice.below(self.controllers.len() as u64) as usize;
        let roll = self.dice.roll();
        let controller = &mut self.controllers[number];
        let choice = match controller.balancer.place(now, &request, roll) {
            Ok(choice) => choice,
            Err(refusal) => {
                self.trace.note(&[1, self.report.events, refusal as u64]);
                self.report.refusals.note(refusal);
                return self.check_refusal(number, &request, refusal);
            }
        };
        let Choice { invoker, epoch, reason } = choice;
        self.trace.note(&[2, self.report.events, invoker.0.into(), reason as u64]);
        let fits = self.hosts[invoker.0 as usize].could(&request);
        ensure(fits, || format!("{request:?} was sent to {invoker}, which cannot run it"))?;
        if self.dice.one_in(1_000) {
            controller.balancer.withdraw(activation);
            return Ok(());
        }
        controller.open.insert(activation, (invoker, epoch));
        controller.due.push_back((now + FOREVER, activation));
        self.report.activations += 1;
        let work = Rc::new(Work { activation, action: Arc::clone(action), controller: number, placed: now });
        let position = self.hosts[invoker.0 as usize].publish(epoch, work);
        let span = self.dice.micros(200, 900);
        self.later(invoker.0 as usize, span, LifeEvent::Take);
        // Of some nobody ever learns what became of the publish.
        if !self.dice.one_in(200) {
            let span = self.dice.micros(100, 2_000);
            self.agenda.after(span, Event::Published { controller: number, activation, position });
        }
        Ok(())
    }

    /// Nobody is told that there is no GPU where one is.
    fn check_refusal(&self, controller: usize, request: &Request, refusal: Refusal) -> Found {
        if refusal != Refusal::NoGpu {
            return Ok(());
        }
        let states = self.controllers[controller].balancer.states(self.agenda.now());
        let up = states.iter().filter(|invoker| invoker.state == Health::Up);
        let fitting = up.map(|invoker| invoker.id).find(|id| self.hosts[id.0 as usize].could(request));
        ensure(fitting.is_none(), || format!("{request:?} is refused for want of a GPU, but {fitting:?}"))
    }

    fn update(&mut self) {
        if !self.calm {
            self.workload.update();
            let span = self.dice.millis(500, 20_000);
            self.agenda.after(span, Event::Update);
        }
    }

    /// A host dies, drains, or its engine has a bad spell. At most a third are away at once.
    fn trouble(&mut self) -> Found {
        if self.calm {
            return Ok(());
        }
        let span = self.dice.millis(2_000, 60_000);
        self.agenda.after(span, Event::Trouble);
        let host = self.dice.below(self.hosts.len() as u64) as usize;
        let away = self.hosts.iter().filter(|host| host.life.is_none()).count();
        match self.dice.below(3) {
            0 => self.hosts[host].bad_until = self.agenda.now() + self.dice.millis(1_000, 20_000),
            _ if away * 3 > self.hosts.len() || self.hosts[host].life.is_none() => {}
            1 => {
                self.report.deaths += 1;
                self.leave(host, LEASE);
            }
            _ => self.begin_drain(host)?,
        }
        Ok(())
    }

    /// An invoker is no more, which controllers notice after the lease's rest.
    fn leave(&mut self, host: usize, rest: Duration) {
        let Some(life) = self.hosts[host].life.take() else { return };
        for controller in 0..self.controllers.len() {
            let span = rest + self.dice.millis(100, 400);
            let invoker = self.hosts[host].id;
            self.agenda.after(span, Event::Gone { controller, invoker, epoch: life.epoch });
        }
        if !self.calm {
            let span = self.dice.millis(1_000, 20_000);
            self.agenda.after(span, Event::Join(host));
        }
    }

    fn join(&mut self, host: usize) -> Found {
        if self.calm {
            return Ok(());
        }
        self.epochs += 1;
        self.hosts[host].begin(Epoch(self.epochs));
        self.tell(host)?;
        self.send(host, crate::pool::Event::Tick)?;
        self.later(host, Duration::ZERO, LifeEvent::Take);
        let span = self.dice.span(Duration::ZERO, BEAT);
        self.later(host, span, LifeEvent::Beat);
        Ok(())
    }

    /// Reports how an invoker is; the reports reach the controllers after different times.
    fn tell(&mut self, host: usize) -> Found {
        let Some(report) = self.hosts[host].report()?.map(Rc::new) else { return Ok(()) };
        let Some(epoch) = self.hosts[host].life.as_ref().map(|life| life.epoch) else { return Ok(()) };
        for controller in 0..self.controllers.len() {
            let (invoker, report) = (self.hosts[host].id, Rc::clone(&report));
            let span = self.dice.micros(500, 40_000);
            self.agenda.after(span, Event::Told { controller, invoker, epoch, report });
        }
        Ok(())
    }

    /// A host's invoker takes nothing more and will leave.
    pub(super) fn begin_drain(&mut self, host: usize) -> Found {
        let Some(life) = self.hosts[host].life.as_mut().filter(|life| !life.draining) else { return Ok(()) };
        life.draining = true;
        self.later(host, Duration::from_secs(1), LifeEvent::Drain);
        self.tell(host)
    }

    /// The pool drains once all was taken that had been published.
    fn drain(&mut self, host: usize) -> Found {
        if self.hosts[host].has_messages() {
            self.later(host, Duration::from_secs(1), LifeEvent::Drain);
            return Ok(());
        }
        self.send(host, crate::pool::Event::Drain)
    }

    /// The pool says that it has drained: nothing may be left.
    pub(super) fn drained(&mut self, host: usize) -> Found {
        let life = self.hosts[host].life.as_ref();
        let empty = life.is_some_and(|life| life.draining && life.audit.is_empty() && life.jobs.is_empty());
        ensure(empty, || format!("invoker {host} says that it has drained: {life:?}"))?;
        self.report.drains += 1;
        self.leave(host, Duration::ZERO);
        Ok(())
    }

    /// A report of a new life tells that those before it are over.
    fn told(&mut self, controller: usize, invoker: InvokerId, epoch: Epoch, report: &InvokerReport) {
        let now = self.agenda.now();
        self.controllers[controller].balancer.invoker(now, invoker, epoch, report);
        let latest = &mut self.controllers[controller].lives[invoker.0 as usize];
        if epoch > *latest {
            *latest = epoch;
            self.lost(controller, invoker, |life| life < epoch);
        }
    }

    fn heard(&mut self, controller: usize, ended: &Ended) -> Found {
        let now = self.agenda.now();
        let controller = &mut self.controllers[controller];
        controller.balancer.ended(now, ended);
        let open = controller.open.remove(&ended.activation);
        ensure(open == Some((ended.invoker, ended.epoch)), || {
            format!("{ended:?}, but the activation is with {open:?}")
        })
    }

    /// What a controller had in lives that are over is lost.
    fn lost(&mut self, controller: usize, invoker: InvokerId, over: impl Fn(Epoch) -> bool) {
        let open = &mut self.controllers[controller].open;
        let before = open.len();
        open.retain(|_, (at, epoch)| *at != invoker || !over(*epoch));
        self.report.ends.lost += (before - open.len()) as u64;
    }

    /// Nothing waits for ever.
    fn check_due(&mut self) -> Found {
        let now = self.agenda.now();
        for controller in &mut self.controllers {
            while let Some((_, activation)) = controller.due.pop_front_if(|(due, _)| *due <= now) {
                let open = controller.open.get(&activation);
                ensure(open.is_none(), || format!("nothing is heard of {activation}, which is at {open:?}"))?;
            }
        }
        Ok(())
    }

    /// Whether any invoker is.
    pub(super) fn is_there(&self) -> bool {
        self.hosts.iter().any(|host| host.life.is_some())
    }

    /// Whether every activation has ended, as far as those know who placed them.
    pub(super) fn all_have_ended(&self) -> bool {
        self.controllers.iter().all(|controller| controller.open.is_empty())
    }

    /// Whether nobody counts anything that has ended.
    pub(super) fn is_settled(&self) -> bool {
        self.controllers.iter().all(|controller| controller.balancer.is_settled())
    }
}
