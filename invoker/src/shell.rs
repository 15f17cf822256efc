//! The shell around the pool: one lock, one turn per event.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use whirl_backends::bus::{Bus, Receipt, Subscription};
use whirl_containers::factory::ContainerFactory;
use whirl_model::limits::LimitBounds;
use whirl_model::{
    Acknowledgement, ActivationId, ActivationMessage, ActivationRecord, ActivationResponse, InvokerId,
    Outcome, Position, RuntimeManifest, Timestamp, Topic,
};
use whirl_scheduling::Moment;
use whirl_scheduling::pool::{ContainerId, Effect, Event, Pool, PoolConfig, ReactiveRule, Stem, StemRule};
use whirl_service::keys::ServerKey;

use crate::InvokerConfig;
use crate::acknowledgements::Acknowledgements;
use crate::actions::Actions;
use crate::container::Running;
use crate::containers::Host;
use crate::health::Health;
use crate::intake::Intake;
use crate::invoker::InvokerParts;
use crate::job::Job;
use crate::metrics::InvokerMetrics;
use crate::record;
use crate::record_writer::{Entry, RecordWriter};

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
    pub(crate) wake: watch::Sender<Option<Moment>>,
    pub(crate) drained: Notify,
    pub(crate) subscription: RwLock<Option<Arc<dyn Subscription>>>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) began: Instant,
    pub(crate) records: Arc<RecordWriter>,
    pub(crate) health: Mutex<Health>,
    pub(crate) acknowledgements: Acknowledgements,
    pub(crate) draining: AtomicBool,
    /// The number of this life's epoch.
    pub(crate) epoch: AtomicU64,
    pub(crate) state: Mutex<State>,
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

impl Shell {
    pub(crate) fn new(parts: InvokerParts) -> Self {
        let gather = Duration::from_millis(parts.config.record_gather_milliseconds);
        let records = RecordWriter::new(Arc::clone(&parts.stores.activations), gather, parts.metrics.clone());
        let pool = Pool::new(pool_config(&parts.config, &parts.manifest, parts.host));
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
            background: Handle::current(),
            wake: watch::Sender::new(None),
            drained: Notify::new(),
            subscription: RwLock::default(),
            began: Instant::now(),
            records,
            health: Mutex::default(),
            draining: AtomicBool::new(false),
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

    /// One event: the pool decides under the lock, the effects follow after it. The last report that was begun
    /// before it.
    pub(crate) fn turn(self: &Arc<Self>, event: Event) -> u64 {
        self.turn_of(|state, now| state.pool.handle(now, event))
    }

    fn turn_of(self: &Arc<Self>, turn: impl FnOnce(&mut State, Moment) -> Vec<Effect>) -> u64 {
        let (effects, report) = {
            let mut state = self.state.lock();
            (turn(&mut state, self.now()), state.report)
        };
        self.perform(effects, report);
        report
    }

    /// An activation wants to run.
    pub(crate) fn arrive(self: &Arc<Self>, job: Job, position: Position) {
        let request = job.request();
        self.turn_of(|state, now| {
            state.intake.settled(position);
            state.jobs.insert(request.activation, job);
            state.pool.handle(now, Event::Arrived(request))
        });
    }

    /// The container did not take the activation: it waits for another one.
    pub(crate) fn bounce(self: &Arc<Self>, id: ContainerId, job: Job) {
        let request = job.request();
        self.turn_of(|state, now| {
            state.jobs.insert(request.activation, job);
            state.pool.handle(now, Event::Bounced(id, request))
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

    /// The pool will name the activation again.
    pub(crate) fn put_back(&self, job: Job) {
        self.state.lock().jobs.insert(job.message.activation_id, job);
    }

    pub(crate) fn take_job(&self, activation: ActivationId) -> Option<Job> {
        self.state.lock().jobs.remove(&activation)
    }

    /// The job and the container that an effect named.
    pub(crate) fn take_for_run(
        &self,
        id: ContainerId,
        activation: ActivationId,
    ) -> Option<(Arc<Running>, Job)> {
        let mut state = self.state.lock();
        let container = state.containers.get(&id).cloned()?;
        Some((container, state.jobs.remove(&activation)?))
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

    /// Tells the controller how the activation ended. `report` is the last one that was begun before the
    /// activation left the pool.
    pub(crate) async fn acknowledge(
        &self,
        message: &ActivationMessage,
        record: &Arc<ActivationRecord>,
        report: u64,
    ) {
        self.metrics.activations.with_label_values(&[record.response.outcome.status()]).inc();
        let acknowledgement = Acknowledgement {
            activation_id: message.activation_id,
            transaction: message.transaction.clone(),
            invoker: self.id,
            epoch: message.epoch,
            report,
            record: message.blocking.then(|| Arc::clone(record)),
            completed: true,
            internal_error: record.response.outcome == Outcome::InternalError,
        };
        self.acknowledgements.send(Topic::Acknowledgements(message.controller), acknowledgement).await;
    }

    /// Ends an activation that reached no container, and is not in the pool any more.
    pub(crate) async fn end_without_run(&self, job: Job, response: ActivationResponse, report: u64) {
        let now = Timestamp::from_system(SystemTime::now());
        let record = record::without_run(&job.message, &job.action, now, response);
        self.end_with(&job.message, record, job.receipt, report).await;
    }

    /// Ends an activation whose action is not known, and which never was in the pool.
    pub(crate) async fn end_without_action(
        &self,
        message: &ActivationMessage,
        receipt: Arc<dyn Receipt>,
        response: ActivationResponse,
        report: u64,
    ) {
        let now = Timestamp::from_system(SystemTime::now());
        let record = record::without_action(message, now, response);
        self.end_with(message, record, receipt, report).await;
    }

    async fn end_with(
        &self,
        message: &ActivationMessage,
        record: ActivationRecord,
        receipt: Arc<dyn Receipt>,
        report: u64,
    ) {
        let record = Arc::new(record);
        let is_kept = self.conclude(message, &record, &*receipt);
        self.acknowledge(message, &record, report).await;
        if is_kept {
            self.records.write(Entry { record: Arc::unwrap_or_clone(record), receipt });
        }
    }

    /// Tells the bus how an activation ended. Whether its record is to be written; if not, the bus has forgotten
    /// the activation already.
    pub(crate) fn conclude(
        &self,
        message: &ActivationMessage,
        record: &ActivationRecord,
        receipt: &dyn Receipt,
    ) -> bool {
        let is_kept = message.keep.keeps(record.response.outcome);
        if is_kept {
            receipt.ended(record);
        } else {
            receipt.recorded();
            self.records.leave_out();
        }
        is_kept
    }
}

fn pool_config(config: &InvokerConfig, manifest: &RuntimeManifest, host: Host) -> PoolConfig {
    let stem_cells = manifest.iter().flat_map(|runtime| {
        runtime.stem_cells.iter().map(|cell| StemRule {
            stem: Arc::new(Stem {
                kind: runtime.kind.clone(),
                image: runtime.image.clone(),
                memory: u32::try_from(cell.memory.as_megabytes()).unwrap_or(u32::MAX),
                cpu: None,
                gpu: None,
            }),
            initial_count: cell.initial_count,
            reactive: cell.reactive.as_ref().map(|r| ReactiveRule {
                min_count: r.min_count,
                max_count: r.max_count,
                ttl: r.ttl,
                threshold: r.threshold,
                increment: r.increment,
            }),
        })
    });
    PoolConfig {
        memory: config.memory,
        cpu: host.cpu,
        gpus: host.gpus,
        credit: config.credit,
        parallel_starts: config.parallel_starts,
        pause_grace: Duration::from_secs(config.pause_grace_seconds),
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
        gpu_idle_timeout: Duration::from_secs(config.gpu_idle_timeout_seconds),
        refill_delay: Duration::from_millis(config.stem_refill_milliseconds),
        stem_check_interval: Duration::from_secs(config.stem_check_seconds),
        stem_cells: stem_cells.collect(),
        ..PoolConfig::default()
    }
}
