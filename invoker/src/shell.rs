//! The shell around the pool: one lock, one turn per event. `feed` receives, the pool decides here, `effects` acts,
//! `endings` reports.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use whirl_backends::bus::{Bus, Subscription};
use whirl_containers::factory::ContainerFactory;
use whirl_model::limits::LimitBounds;
use whirl_model::{ActivationId, InvokerId, Position, Timestamp};
use whirl_scheduling::Moment;
use whirl_scheduling::pool::{ContainerId, Effect, Event, Pool, Stem};
use whirl_service::keys::ServerKey;

use crate::InvokerConfig;
use crate::acknowledgements::Acknowledgements;
use crate::actions::Actions;
use crate::alarm::Alarm;
use crate::container::Running;
use crate::health::Health;
use crate::intake::Intake;
use crate::job::{self, Job};
use crate::live::Live;
use crate::metrics::InvokerMetrics;
use crate::parts::InvokerParts;
use crate::pool_config;
use crate::provisions::{Provision, Provisions};
use crate::record_writer::RecordWriter;

/// What the invoker's tasks share.
pub(crate) struct Shell {
    pub(crate) id: InvokerId,
    pub(crate) owner: String,
    pub(crate) config: InvokerConfig,
    pub(crate) factory: Arc<dyn ContainerFactory>,
    pub(crate) actions: Actions,
    pub(crate) key: ServerKey,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) bounds: LimitBounds,
    pub(crate) metrics: InvokerMetrics,
    pub(crate) background: Handle,
    pub(crate) alarm: Alarm,
    pub(crate) drained: Notify,
    pub(crate) subscription: RwLock<Option<Arc<dyn Subscription>>>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) began: Instant,
    pub(crate) records: Arc<RecordWriter>,
    pub(crate) health: Mutex<Health>,
    pub(crate) provisions: Provisions,
    pub(crate) acknowledgements: Acknowledgements,
    pub(crate) live: Live,
    pub(crate) draining: AtomicBool,
    /// Set when the grace of a drain is over: containers go, whatever runs in them.
    pub(crate) closing: watch::Sender<bool>,
    /// The number of this life's epoch.
    pub(crate) epoch: AtomicU64,
    pub(crate) state: Mutex<State>,
}

/// What was when a turn was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) now: Moment,
    /// The last report that was begun before it.
    pub(crate) report: u64,
}

/// What changes in a turn.
pub(crate) struct State {
    pub(crate) pool: Pool,
    /// Activations that wait for a container.
    jobs: HashMap<ActivationId, Job>,
    containers: HashMap<ContainerId, Arc<Running>>,
    pub(crate) intake: Intake,
    /// The number of the last report that was begun in this life.
    pub(crate) report: u64,
}

impl State {
    /// From this turn on the job waits for a container.
    fn let_wait(&mut self, mut job: Job, now: Moment) {
        job.wait.begin(now);
        self.jobs.insert(job.message.activation_id, job);
    }
}

impl Shell {
    pub(crate) fn new(parts: InvokerParts) -> Self {
        let gather = Duration::from_millis(parts.config.record_gather_milliseconds);
        let records = RecordWriter::new(Arc::clone(&parts.stores.activations), gather, parts.metrics.clone());
        let gpu_slots: u32 = parts.host.gpus.iter().map(|gpu| gpu.ways).sum();
        parts.metrics.gpu_slots.set(gpu_slots.into());
        let began = Instant::now();
        let pool = Pool::new(pool_config::of(&parts.config, &parts.manifest, parts.host));
        Self {
            actions: Actions::new(
                Arc::clone(&parts.stores.entities),
                parts.manifest,
                parts.bounds,
                parts.config.code_cache,
            ),
            id: parts.id,
            owner: parts.owner,
            config: parts.config,
            factory: parts.factory,
            key: parts.key,
            env: parts.env,
            bounds: parts.bounds,
            acknowledgements: Acknowledgements::new(
                Arc::clone(&parts.bus),
                parts.metrics.clone(),
                Handle::current(),
            ),
            live: Live::default(),
            background: Handle::current(),
            alarm: Alarm::new(began),
            drained: Notify::new(),
            subscription: RwLock::default(),
            began,
            records,
            health: Mutex::default(),
            provisions: Provisions::default(),
            draining: AtomicBool::new(false),
            closing: watch::Sender::new(false),
            epoch: AtomicU64::new(0),
            state: Mutex::new(State {
                pool,
                jobs: HashMap::new(),
                containers: HashMap::new(),
                intake: Intake::default(),
                report: 0,
            }),
            bus: parts.bus,
            metrics: parts.metrics,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.began.elapsed()
    }

    /// Until when what arrived then may wait for a container.
    pub(crate) fn deadline(&self, arrived: Timestamp) -> Moment {
        let patience = Duration::from_secs(self.config.queue_seconds);
        job::deadline(self.now(), Timestamp::from_system(SystemTime::now()), arrived, patience)
    }

    /// One event: the pool decides under the lock, the effects follow after it.
    pub(crate) fn turn(self: &Arc<Self>, event: Event) -> Turn {
        self.turn_of(|state, now| state.pool.handle(now, event))
    }

    fn turn_of(self: &Arc<Self>, decide: impl FnOnce(&mut State, Moment) -> Vec<Effect>) -> Turn {
        let (effects, turn) = {
            let mut state = self.state.lock();
            let now = self.now();
            let effects = decide(&mut state, now);
            self.metrics.gpu_slots_held.set(state.pool.gpu_slots_held().into());
            (effects, Turn { now, report: state.report })
        };
        self.perform(effects, turn);
        turn
    }

    /// An activation wants to run.
    pub(crate) fn arrive(self: &Arc<Self>, job: Job, position: Position) {
        let request = job.request();
        self.live.taken(&job.message);
        self.turn_of(|state, now| {
            state.intake.settled(position);
            state.let_wait(job, now);
            state.pool.handle(now, Event::Arrived(request))
        });
    }

    /// The container did not take the activation: it waits for another one.
    pub(crate) fn bounce(self: &Arc<Self>, id: ContainerId, job: Job) {
        let request = job.request();
        self.turn_of(|state, now| {
            state.let_wait(job, now);
            state.pool.handle(now, Event::Bounced(id, request))
        });
    }

    /// The container could not be thawed for the activation: it waits for another one.
    pub(crate) fn stay_frozen(self: &Arc<Self>, id: ContainerId, job: Job) {
        self.turn_of(|state, now| {
            state.let_wait(job, now);
            state.pool.handle(now, Event::FreezerFailed(id))
        });
    }

    /// A message was delivered that does not go to the pool at once.
    pub(crate) fn expect(&self, position: Position) {
        self.state.lock().intake.delivered(position);
    }

    /// A message ended that never got to the pool. The last report that was begun before.
    pub(crate) fn settle(&self, position: Position) -> u64 {
        let mut state = self.state.lock();
        state.intake.settled(position);
        state.report
    }

    /// Begins something that goes on for as long as the activation waits.
    pub(crate) fn attend(&self, activation: ActivationId, begin: impl FnOnce(&Job) -> Provision) {
        if let Some(job) = self.state.lock().jobs.get_mut(&activation) {
            job.provision = Some(begin(job));
        }
    }

    pub(crate) fn take_job(&self, activation: ActivationId) -> Option<Job> {
        self.state.lock().jobs.remove(&activation)
    }

    /// The job and the container that an effect of this turn named.
    pub(crate) fn take_for_run(
        &self,
        id: ContainerId,
        activation: ActivationId,
        turn: Turn,
    ) -> Option<(Arc<Running>, Job)> {
        let mut state = self.state.lock();
        let container = state.containers.get(&id).cloned()?;
        let mut job = state.jobs.remove(&activation)?;
        job.wait.end(turn.now);
        job.provision = None;
        Some((container, job))
    }

    /// Whether an activation waits for a container of this stem.
    pub(crate) fn is_awaited(&self, stem: &Stem) -> bool {
        self.state.lock().jobs.values().any(|job| *job.stem == *stem)
    }

    pub(crate) fn container(&self, id: ContainerId) -> Option<Arc<Running>> {
        self.state.lock().containers.get(&id).cloned()
    }

    pub(crate) fn add_container(&self, id: ContainerId, container: Arc<Running>) {
        self.state.lock().containers.insert(id, container);
    }

    pub(crate) fn forget_container(&self, id: ContainerId) {
        self.state.lock().containers.remove(&id);
    }
}
