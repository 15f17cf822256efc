//! One invoker of the simulated cluster: its host, its topic, and the life that it is in, with the real pool. What
//! goes on between it and the others is the cluster's business.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use whirl_model::{
    ActivationId, Cores, Epoch, GpuAmount, GpuDevice, GpuId, GpuLimit, InvokerId, InvokerReport, Position,
    Willingness,
};

use super::audit::{Audit, Found, ensure};
use super::dice::Dice;
use super::workload::{Action, plain_stem};
use crate::Moment;
use crate::balancer;
use crate::pool::{Pool, PoolConfig, PoolLoad, ReactiveRule, Request, StemRule};

/// An activation that was accepted.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) activation: ActivationId,
    pub(super) action: Arc<Action>,
    /// Who placed it, and when.
    pub(super) controller: usize,
    pub(super) placed: Moment,
}

/// What is in an invoker's topic.
#[derive(Debug)]
struct Message {
    epoch: Epoch,
    work: Rc<Work>,
}

/// A host, whether its invoker runs or not.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) id: InvokerId,
    pub(super) config: PoolConfig,
    /// Activations taken from the topic and not yet ended, at most.
    credit: usize,
    pub(super) life: Option<Life>,
    /// Until when its engine is slow and fails.
    pub(super) bad_until: Moment,
    topic: VecDeque<Message>,
    published: u64,
}

/// One life of an invoker.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) epoch: Epoch,
    pub(super) pool: Pool,
    pub(super) audit: Audit,
    /// What was taken from the topic and has not ended.
    pub(super) jobs: BTreeMap<ActivationId, Job>,
    pub(super) credit: usize,
    /// When the pool wants to be woken.
    pub(super) wake: Option<Moment>,
    pub(super) draining: bool,
    /// The number of the report that was begun last, and what it told.
    pub(super) begun: u64,
    told: Option<(PoolLoad, u64, bool)>,
}

/// An activation in the hands of an invoker.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Rc<Work>,
    pub(super) request: Request,
}

impl Host {
    pub(super) fn new(id: InvokerId, dice: &mut Dice) -> Self {
        Self {
            id,
            config: config(id, dice),
            credit: dice.pick(&[32, 128, 256]),
            life: None,
            bad_until: Moment::ZERO,
            topic: VecDeque::new(),
            published: 0,
        }
    }

    /// Whether it could run the activation if it ran nothing else.
    pub(super) fn could(&self, request: &balancer::Request) -> bool {
        let gpus = |gpu: &GpuLimit| {
            let is_of = |device: &&GpuDevice| gpu.class.as_ref().is_none_or(|class| *class == device.class);
            let wanted = if let GpuAmount::Devices(devices) = gpu.amount { devices as usize } else { 1 };
            self.config.gpus.iter().filter(is_of).count() >= wanted
        };
        self.config.memory >= request.memory
            && request.cpu.is_none_or(|cpu| self.config.cpu >= cpu)
            && request.gpu.as_ref().is_none_or(gpus)
    }

    /// Whether it is in this life.
    pub(super) fn lives(&self, epoch: Epoch) -> bool {
        self.life.as_ref().is_some_and(|life| life.epoch == epoch)
    }

    pub(super) fn begin(&mut self, epoch: Epoch) {
        let config = self.config.clone();
        self.life = Some(Life {
            epoch,
            audit: Audit::new(&config),
            credit: self.credit,
            pool: Pool::new(config),
            jobs: BTreeMap::new(),
            wake: None,
            draining: false,
            begun: 0,
            told: None,
        });
    }

    /// Something is published to its topic.
    pub(super) fn publish(&mut self, epoch: Epoch, work: Rc<Work>) -> Position {
        let position = Position(self.published);
        self.published += 1;
        self.topic.push_back(Message { epoch, work });
        position
    }

    pub(super) fn has_messages(&self) -> bool {
        !self.topic.is_empty()
    }

    /// The next activation for this life that there is credit for. Those for others are passed over.
    pub(super) fn take(&mut self, now: Moment) -> Found<Option<Request>> {
        let Some(life) = self.life.as_mut() else { return Ok(None) };
        while life.credit > 0
            && let Some(Message { epoch, work }) = self.topic.pop_front()
        {
            if epoch != life.epoch {
                continue;
            }
            life.credit -= 1;
            let request = Request {
                activation: work.activation,
                key: work.action.key.clone(),
                stem: Arc::clone(&work.action.stem),
                concurrency: work.action.concurrency,
                instances: work.action.instances,
                deadline: work.action.patience.map(|patience| now + patience),
                awaits_image: work.action.stem.is_users_image(),
            };
            let job = Job { work, request: request.clone() };
            let before = life.jobs.insert(request.activation, job);
            ensure(before.is_none(), || format!("{} came twice", request.activation))?;
            return Ok(Some(request));
        }
        Ok(None)
    }

    /// Begins a report, unless all is as it was. What the pool says of itself must be true.
    pub(super) fn report(&mut self) -> Found<Option<InvokerReport>> {
        let taken = self.published - self.topic.len() as u64;
        let Some(life) = self.life.as_mut() else { return Ok(None) };
        let told = (life.pool.load(), taken, life.draining);
        life.check(self.credit, &told.0)?;
        if life.told.as_ref() == Some(&told) {
            return Ok(None);
        }
        life.begun += 1;
        let load = &told.0;
        let report = InvokerReport {
            name: self.id.to_string(),
            version: String::new(),
            status: if life.draining { Willingness::Draining } else { Willingness::Up },
            reason: None,
            serial: life.begun,
            taken: Position(taken),
            memory_total: load.memory_total,
            memory_free: load.memory_free,
            cpu_total: load.cpu_total,
            cpu_free: load.cpu_free,
            gpus: load.gpus.clone(),
            waiting: load.waiting as u32,
            tags: Vec::new(),
            warm: load.warm.clone(),
            endpoint: None,
        };
        life.told = Some(told);
        Ok(Some(report))
    }
}

impl Life {
    /// Compares what the pool says of itself with what is.
    fn check(&self, credit: usize, load: &PoolLoad) -> Found {
        let status = self.pool.status();
        ensure(status.memory_used == self.audit.memory_used(), || {
            format!("the pool counts {} MiB, but {} are used", status.memory_used, self.audit.memory_used())
        })?;
        ensure(load.running + load.waiting == self.jobs.len(), || {
            format!("{} run and {} wait of {} activations", load.running, load.waiting, self.jobs.len())
        })?;
        ensure(self.credit + self.jobs.len() == credit, || {
            format!("credit {} and {} activations make not {credit}", self.credit, self.jobs.len())
        })
    }
}

/// Hosts of all sizes; every third has GPUs. Times are short, so that what is rare happens often.
fn config(id: InvokerId, dice: &mut Dice) -> PoolConfig {
    let rule = |kind, initial_count, reactive| StemRule {
        stem: Arc::new(plain_stem(kind, 256)),
        initial_count,
        reactive,
    };
    let reactive =
        ReactiveRule { min_count: 0, max_count: 3, ttl: Duration::from_secs(20), threshold: 2, increment: 1 };
    PoolConfig {
        memory: dice.pick(&[2048, 8192, 8192, 16_384]),
        cpu: Cores::from_thousandths(dice.pick(&[1000, 2000, 4000, 8000])),
        gpus: if id.0 % 3 == 1 { gpus(id, dice) } else { Vec::new() },
        pause_grace: Duration::from_secs(2),
        idle_timeout: Duration::from_secs(45),
        gpu_idle_timeout: Duration::from_secs(10),
        stem_check_interval: Duration::from_secs(30),
        stem_cells: vec![rule("nodejs", 2, None), rule("python", 0, Some(reactive))],
        ..PoolConfig::default()
    }
}

fn gpus(id: InvokerId, dice: &mut Dice) -> Vec<GpuDevice> {
    let ways = dice.pick(&[1, 4]);
    let device = |number: u64, class: &str| GpuDevice {
        id: GpuId::new(format!("GPU-{}-{number}", id.0)),
        model: class.to_owned(),
        class: class.parse().expect("a class of GPUs"),
        memory: 0,
        ways,
    };
    let count = dice.below(4) + 1;
    (0..count).map(|number| device(number, dice.pick(&["a100", "a100", "t4"]))).collect()
}
