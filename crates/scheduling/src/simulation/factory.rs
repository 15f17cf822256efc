//! The simulated invoker's side of its pool: obeys effects with a scripted factory, which takes its time and fails now
//! and then, and tells the pool what became of them.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use whirl_model::ActivationId;

use super::audit::{Found, ensure};
use super::cluster::{Cluster, Event, LifeEvent};
use super::host::{Job, Life};
use super::task::{Held, Task};
use super::workload::{Action, plain_stem};
use crate::balancer::Ended;
use crate::pool::{self, ContainerId, Effect, Fate, Rejection, StartFailure};

impl Cluster {
    /// Tells a host's pool what happened and does what it says.
    pub(super) fn send(&mut self, host: usize, event: pool::Event) -> Found {
        let now = self.agenda.now();
        let makes_room = makes_room(&event);
        let Some(life) = self.hosts[host].life.as_mut() else { return Ok(()) };
        let effects = life.pool.handle(now, event);
        for effect in effects {
            if let Effect::Destroy(_) = effect
                && makes_room
                && self.hosts[host].life.as_ref().is_some_and(|life| !life.draining)
            {
                self.report.evictions += 1;
            }
            self.obey(host, effect)?;
        }
        Ok(())
    }

    fn obey(&mut self, host: usize, effect: Effect) -> Found {
        let now = self.agenda.now();
        let Some(life) = self.hosts[host].life.as_mut() else { return Ok(()) };
        let noted = match &effect {
            Effect::Start(id, _, gpus) => [3, id.0, gpus.len() as u64],
            Effect::Initialise(id, activation, cold) => {
                [4, id.0, activation.bits() as u64 ^ (cold.reason as u64) << 32]
            }
            Effect::Run(id, activation) => [5, id.0, activation.bits() as u64],
            Effect::Pause(id) => [6, id.0, 0],
            Effect::Resume(id, activation) => [7, id.0, activation.bits() as u64],
            Effect::Destroy(id) => [8, id.0, 0],
            Effect::Reject(activation, _) => [9, activation.bits() as u64, 0],
            Effect::GrantCredit(credit) => [10, *credit as u64, 0],
            Effect::WakeAt(at) => [11, at.as_nanos() as u64, 0],
            Effect::Drained => [12, 0, 0],
            Effect::Provide(activation) => [13, activation.bits() as u64, 0],
        };
        self.trace.note(&[now.as_nanos() as u64, host as u64]);
        self.trace.note(&noted);
        match effect {
            Effect::Provide(activation) => {
                life.job(activation)?;
                let span = if self.dice.one_in(20) {
                    self.dice.millis(1_000, 90_000)
                } else {
                    self.dice.millis(1, 200)
                };
                self.begin(host, span, Task::Provide(activation));
            }
            Effect::Start(id, stem, gpus) => {
                life.audit.start(id, &stem, &gpus)?;
                let span = self.dice.millis(50, 600);
                self.begin(host, span, Task::Start(id));
            }
            Effect::Initialise(id, activation, cold) => {
                let action = life.begins(now, activation)?;
                life.audit.initialise(id, &action)?;
                self.report.starts.initialised(cold.origin);
                self.begin(host, action.init, Task::Initialise(id, activation));
            }
            Effect::Run(id, activation) => {
                let action = life.begins(now, activation)?;
                life.audit.run(id, &action)?;
                self.report.starts.warm += 1;
                self.run(host, id, activation, Held::Before)?;
            }
            Effect::Resume(id, activation) => {
                let action = life.begins(now, activation)?;
                life.audit.resume(id, &action)?;
                self.report.starts.resumed += 1;
                let span = self.dice.micros(100, 2_000);
                self.begin(host, span, Task::Resume(id, activation));
            }
            Effect::Pause(id) => {
                life.audit.pause(id)?;
                let span = self.dice.micros(100, 2_000);
                self.begin(host, span, Task::Pause(id));
            }
            Effect::Destroy(id) => {
                life.audit.destroy(id)?;
                let span = self.dice.millis(20, 300);
                self.begin(host, span, Task::Destroy(id));
            }
            Effect::Reject(activation, rejection) => self.reject(host, activation, &rejection)?,
            Effect::GrantCredit(credit) => {
                life.credit += credit;
                if self.hosts[host].has_messages() {
                    self.later(host, Duration::ZERO, LifeEvent::Take);
                }
            }
            Effect::WakeAt(at) => {
                life.wake = Some(at);
                let epoch = life.epoch;
                self.agenda.at(at, Event::Of { host, epoch, event: LifeEvent::Tick });
            }
            Effect::Drained => self.drained(host)?,
        }
        Ok(())
    }

    /// The factory begins something. In a bad spell it takes ten times as long.
    fn begin(&mut self, host: usize, span: Duration, task: Task) {
        let bad = !self.calm && self.agenda.now() < self.hosts[host].bad_until;
        self.later(host, if bad { span * 10 } else { span }, LifeEvent::Done(task));
    }

    /// Code begins to run.
    fn run(&mut self, host: usize, id: ContainerId, activation: ActivationId, held: Held) -> Found {
        let now = self.agenda.now();
        let Some(life) = &self.hosts[host].life else { return Ok(()) };
        let work = Rc::clone(&life.job(activation)?.work);
        self.waits.note(now - work.placed);
        let long = if self.dice.one_in(500) { 10 } else { 1 };
        let span = self.dice.span(work.action.run / 2, work.action.run * 3 / 2) * long;
        self.later(host, span, LifeEvent::Done(Task::Run(id, activation, held)));
        Ok(())
    }

    pub(super) fn take(&mut self, host: usize) -> Found {
        let now = self.agenda.now();
        while let Some(request) = self.hosts[host].take(now)? {
            self.send(host, pool::Event::Arrived(request))?;
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, host: usize) -> Found {
        let now = self.agenda.now();
        let Some(life) = self.hosts[host].life.as_mut() else { return Ok(()) };
        if life.wake.take_if(|at| *at <= now).is_some() {
            self.send(host, pool::Event::Tick)?;
        }
        if self.dice.one_in(200) {
            let stem = Arc::new(plain_stem("nodejs", 256));
            self.send(host, pool::Event::Probe(stem))?;
        }
        Ok(())
    }

    /// A task is done, well or not; now and then some container is found to be unusable meanwhile.
    pub(super) fn done(&mut self, host: usize, task: Task) -> Found {
        if self.fails(1_000) {
            let roll = self.dice.roll();
            let any = self.hosts[host].life.as_ref().and_then(|life| life.audit.any(roll));
            any.map_or(Ok(()), |id| self.send(host, pool::Event::Condemned(id)))?;
        }
        match task {
            Task::Provide(activation) if self.fails(100) => {
                let failure = StartFailure { message: String::new(), developers: true };
                self.send(host, pool::Event::NotProvided(activation, failure))
            }
            Task::Provide(activation) => self.send(host, pool::Event::Provided(activation)),
            Task::Start(id) => self.start_done(host, id),
            Task::Initialise(id, activation) => self.initialise_done(host, id, activation),
            Task::Run(id, activation, held) => self.run_done(host, id, activation, held),
            Task::Resume(id, activation) if !self.fails(200) => {
                self.send(host, pool::Event::Resumed(id))?;
                self.run(host, id, activation, Held::Before)
            }
            Task::Resume(id, _) => {
                self.audited(host, |life| life.audit.leave(id))?;
                self.send(host, pool::Event::FreezerFailed(id))
            }
            Task::Pause(id) if self.fails(300) => self.send(host, pool::Event::FreezerFailed(id)),
            Task::Pause(id) => self.send(host, pool::Event::Paused(id)),
            Task::Destroy(id) if self.fails(50) => {
                self.audited(host, |life| life.audit.remove_failed(id))?;
                self.send(host, pool::Event::RemoveFailed(id))
            }
            Task::Destroy(id) => {
                self.audited(host, |life| life.audit.removed(id))?;
                self.send(host, pool::Event::Removed(id))
            }
        }
    }

    fn start_done(&mut self, host: usize, id: ContainerId) -> Found {
        let bad = self.agenda.now() < self.hosts[host].bad_until;
        if !self.fails(if bad { 2 } else { 200 }) {
            self.audited(host, |life| life.audit.started(id))?;
            return self.send(host, pool::Event::Started(id));
        }
        self.audited(host, |life| life.audit.removed(id))?;
        let failure = StartFailure { message: String::new(), developers: self.dice.one_in(2) };
        self.send(host, pool::Event::StartFailed(id, failure))
    }

    fn initialise_done(&mut self, host: usize, id: ContainerId, activation: ActivationId) -> Found {
        let shared = self.hosts[host].life.as_ref().is_some_and(|life| life.audit.is_shared(id));
        if shared && self.dice.one_in(4) {
            self.audited(host, |life| life.audit.serial(id))?;
            self.send(host, pool::Event::Serial(id))?;
        }
        if self.fails(100) {
            self.leave_container(host, id, activation, false)?;
            return self.send(host, pool::Event::Ended(id, Fate::Discard));
        }
        self.send(host, pool::Event::Initialised(id))?;
        self.run(host, id, activation, Held::JustNow)
    }

    fn run_done(&mut self, host: usize, id: ContainerId, activation: ActivationId, held: Held) -> Found {
        if held == Held::Before && self.fails(500) {
            self.audited(host, |life| life.audit.leave(id))?;
            let Some(life) = &self.hosts[host].life else { return Ok(()) };
            let request = life.job(activation)?.request.clone();
            return self.send(host, pool::Event::Bounced(id, request));
        }
        let breaks = self.fails(200);
        let internal = breaks && self.dice.one_in(4);
        self.leave_container(host, id, activation, internal)?;
        let fate = if breaks { Fate::Discard } else { Fate::Keep };
        self.send(host, pool::Event::Ended(id, fate))
    }

    fn leave_container(
        &mut self,
        host: usize,
        id: ContainerId,
        activation: ActivationId,
        internal_error: bool,
    ) -> Found {
        self.audited(host, |life| life.audit.leave(id))?;
        self.report.ends.ran += 1;
        self.end(host, activation, internal_error)
    }

    fn reject(&mut self, host: usize, activation: ActivationId, rejection: &Rejection) -> Found {
        let internal_error = match rejection {
            Rejection::Expired => {
                self.report.ends.expired += 1;
                false
            }
            Rejection::StartFailed(failure) => {
                self.report.ends.start_failed += 1;
                !failure.developers
            }
            Rejection::TooLarge { .. } | Rejection::TooManyCores { .. } | Rejection::NoGpu(_) => {
                return Err(format!("{activation} was sent to invoker {host}, where it is {rejection:?}"));
            }
        };
        self.end(host, activation, internal_error)
    }

    /// An activation has ended: who placed it hears of it.
    fn end(&mut self, host: usize, activation: ActivationId, internal_error: bool) -> Found {
        let invoker = self.hosts[host].id;
        let Some(life) = self.hosts[host].life.as_mut() else { return Ok(()) };
        let job = life.jobs.remove(&activation);
        let job = job.ok_or_else(|| format!("{activation} ends at {invoker}, where it is not"))?;
        let ended = Ended { activation, invoker, epoch: life.epoch, report: life.begun, internal_error };
        let span = self.dice.micros(200, 5_000);
        self.agenda.after(span, Event::Heard { controller: job.work.controller, ended });
        Ok(())
    }

    /// Whether something fails that does so once in `n` times.
    fn fails(&mut self, n: u64) -> bool {
        self.dice.one_in(n) && !self.calm
    }

    fn audited(&mut self, host: usize, note: impl FnOnce(&mut Life) -> Found) -> Found {
        self.hosts[host].life.as_mut().map_or(Ok(()), note)
    }
}

impl Life {
    fn job(&self, activation: ActivationId) -> Found<&Job> {
        self.jobs.get(&activation).ok_or_else(|| format!("{activation} is not here, or has ended"))
    }

    /// An activation is to run now: it is here, and it is not too late.
    fn begins(&self, now: crate::Moment, activation: ActivationId) -> Found<Arc<Action>> {
        let job = self.job(activation)?;
        ensure(job.request.deadline.is_none_or(|deadline| now <= deadline), || {
            format!("{activation} begins after its deadline {:?}", job.request.deadline)
        })?;
        Ok(Arc::clone(&job.work.action))
    }
}

/// Whether what is destroyed in answer to the event goes to make room, and not for its age or as it broke.
fn makes_room(event: &pool::Event) -> bool {
    use pool::Event::{Arrived, Ended, Initialised, Removed, Started};
    matches!(event, Arrived(_) | Ended(_, Fate::Keep) | Initialised(_) | Removed(_) | Started(_))
}
