//! The shell around the pool: one lock, one turn per event.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use whirl_backends::bus::{Bus, Durability, Message, Receipt, Subscription};
use whirl_backends::store::Stores;
use whirl_containers::factory::{ContainerError, ContainerFactory};
use whirl_model::limits::LimitBounds;
use whirl_model::{
    Acknowledgement, ActivationId, ActivationMessage, ActivationRecord, ActivationResponse, InvokerId,
    Outcome, RuntimeManifest, Timestamp, Topic,
};
use whirl_scheduling::Moment;
use whirl_scheduling::pool::{
    ContainerId, Event, Pool, PoolConfig, PoolStatus, ReactiveRule, Stem, StemRule,
};
use whirl_service::keys::ServerKey;

use crate::InvokerConfig;
use crate::actions::Actions;
use crate::container::Running;
use crate::feed::Feed;
use crate::job::Job;
use crate::metrics::InvokerMetrics;
use crate::record;
use crate::record_writer::{Entry, RecordWriter};

/// What an invoker is made of.
pub struct InvokerParts {
    /// Its number.
    pub id: InvokerId,
    /// Begins the names of its containers; the same after a restart, other than any other invoker's here.
    pub owner: String,
    /// Its settings.
    pub config: InvokerConfig,
    /// The kinds it can run.
    pub manifest: Arc<RuntimeManifest>,
    /// Where actions come from and records go to.
    pub stores: Stores,
    /// Where activations come from and acknowledgements go to.
    pub bus: Arc<dyn Bus>,
    /// What makes its containers.
    pub factory: Arc<dyn ContainerFactory>,
    /// Opens the callers' sealed keys, for actions that may have them. They are sealed for the UUID of
    /// their namespace.
    pub key: ServerKey,
    /// Environment of all containers.
    pub env: BTreeMap<String, String>,
    /// How large results may be.
    pub bounds: LimitBounds,
    /// What it counts with.
    pub metrics: InvokerMetrics,
}

/// How an invoker is doing.
#[derive(Clone, Debug)]
pub struct InvokerStatus {
    /// Its number.
    pub id: InvokerId,
    /// Its containers.
    pub pool: PoolStatus,
}

/// A running invoker. Clones are handles of the same one.
#[derive(Clone)]
pub struct Invoker(Arc<Shell>);

impl Invoker {
    /// Removes what an earlier invoker of this owner left, starts the stem cells, and reads the topic: first
    /// what was accepted before and not recorded. Activations run on the threads of those who publish them,
    /// all else on the runtime of this call.
    ///
    /// # Errors
    /// When containers left behind cannot be removed.
    pub async fn start(parts: InvokerParts) -> Result<Self, ContainerError> {
        let leftovers = parts.factory.remove_leftovers().await?;
        if leftovers > 0 {
            tracing::info!(leftovers, "removed containers that an earlier process left behind");
        }
        let credit = parts.config.credit;
        let (bus, topic) = (Arc::clone(&parts.bus), Topic::Activations(parts.id));
        let shell = Arc::new(Shell::new(parts));
        shell.background.spawn(Arc::clone(&shell.records).run());
        shell.background.spawn(keep_time(Arc::clone(&shell)));
        shell.turn(Event::Tick);
        // Credit is granted only when grants can be passed on.
        let subscription = bus.subscribe(topic, Arc::new(Feed(Arc::clone(&shell))), 0);
        shell.subscription.get_or_init(|| subscription).grant(credit);
        Ok(Self(shell))
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> InvokerStatus {
        InvokerStatus { id: self.0.id, pool: self.0.state.lock().pool.status() }
    }

    /// Finishes what was taken from the topic, writes all records, removes all containers. What is not
    /// finished when `grace` is over is left to the bus, and its containers are removed all the same.
    /// Whether everything was finished.
    ///
    /// # Errors
    /// When containers, or what they needed on the host, cannot be removed.
    pub async fn drain(&self, grace: Duration) -> Result<bool, ContainerError> {
        let shell = &self.0;
        let drained = shell.drained.notified();
        shell.turn(Event::Drain);
        let finished = tokio::time::timeout(grace, async {
            drained.await;
            shell.records.flushed().await;
        });
        let finished = finished.await.is_ok();
        shell.factory.remove_leftovers().await?;
        shell.factory.close().await?;
        Ok(finished)
    }
}

/// Sends the pool its ticks.
async fn keep_time(shell: Arc<Shell>) {
    let mut wake = shell.wake.subscribe();
    loop {
        let at = *wake.borrow_and_update();
        let asleep = async {
            match at {
                Some(at) => tokio::time::sleep_until((shell.epoch + at).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = asleep => {
                shell.wake.send_if_modified(|wish| if *wish == at { wish.take().is_some() } else { false });
                shell.turn(Event::Tick);
            }
            changed = wake.changed() => if changed.is_err() { return },
        }
    }
}

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
    pub(crate) subscription: OnceLock<Box<dyn Subscription>>,
    pub(crate) epoch: Instant,
    pub(crate) records: Arc<RecordWriter>,
    bus: Arc<dyn Bus>,
    state: Mutex<State>,
}

/// What changes in a turn.
struct State {
    pool: Pool,
    /// Activations that wait for a container.
    jobs: HashMap<ActivationId, Job>,
    containers: HashMap<ContainerId, Arc<Running>>,
}

impl Shell {
    fn new(parts: InvokerParts) -> Self {
        let gather = Duration::from_millis(parts.config.record_gather_milliseconds);
        let records = RecordWriter::new(Arc::clone(&parts.stores.activations), gather, parts.metrics.clone());
        let pool = Pool::new(pool_config(&parts.config, &parts.manifest));
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
            metrics: parts.metrics,
            background: Handle::current(),
            wake: watch::Sender::new(None),
            drained: Notify::new(),
            subscription: OnceLock::new(),
            epoch: Instant::now(),
            records,
            bus: parts.bus,
            state: Mutex::new(State { pool, jobs: HashMap::new(), containers: HashMap::new() }),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.epoch.elapsed()
    }

    /// One event: the pool decides under the lock, the effects follow after it.
    pub(crate) fn turn(self: &Arc<Self>, event: Event) {
        let effects = self.state.lock().pool.handle(self.now(), event);
        self.perform(effects);
    }

    /// An activation wants to run.
    pub(crate) fn arrive(self: &Arc<Self>, job: Job) {
        let request = job.request();
        let effects = {
            let mut state = self.state.lock();
            state.jobs.insert(request.activation, job);
            state.pool.handle(self.now(), Event::Arrived(request))
        };
        self.perform(effects);
    }

    /// The container did not take the activation: it waits for another one.
    pub(crate) fn bounce(self: &Arc<Self>, id: ContainerId, job: Job) {
        let request = job.request();
        let effects = {
            let mut state = self.state.lock();
            state.jobs.insert(request.activation, job);
            state.pool.handle(self.now(), Event::Bounced(id, request))
        };
        self.perform(effects);
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

    /// Tells the controller how the activation ended.
    pub(crate) async fn acknowledge(&self, message: &ActivationMessage, record: &Arc<ActivationRecord>) {
        self.metrics.activations.with_label_values(&[record.response.outcome.status()]).inc();
        let acknowledgement = Acknowledgement {
            activation_id: message.activation_id,
            transaction: message.transaction.clone(),
            invoker: self.id,
            epoch: message.epoch,
            report: 0,
            record: message.blocking.then(|| Arc::clone(record)),
            completed: true,
            internal_error: record.response.outcome == Outcome::InternalError,
        };
        let topic = Topic::Acknowledgements(message.controller);
        let sent =
            self.bus.publish(topic, Message::Acknowledgement(Arc::new(acknowledgement)), Durability::Process);
        if let Err(error) = sent.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, activation = %message.activation_id, "an acknowledgement was not sent");
        }
    }

    /// Ends an activation that reached no container.
    pub(crate) async fn end_without_run(
        &self,
        message: &ActivationMessage,
        receipt: Arc<dyn Receipt>,
        response: ActivationResponse,
    ) {
        let now = Timestamp::from_system(SystemTime::now());
        let record = Arc::new(record::without_run(message, now, response));
        receipt.ended(&record);
        self.acknowledge(message, &record).await;
        self.records.write(Entry { record: Arc::unwrap_or_clone(record), receipt });
    }
}

fn pool_config(config: &InvokerConfig, manifest: &RuntimeManifest) -> PoolConfig {
    let stem_cells = manifest.iter().flat_map(|runtime| {
        runtime.stem_cells.iter().map(|cell| StemRule {
            stem: Arc::new(Stem {
                kind: runtime.kind.clone(),
                image: runtime.image.clone(),
                memory: u32::try_from(cell.memory.as_megabytes()).unwrap_or(u32::MAX),
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
        credit: config.credit,
        parallel_starts: config.parallel_starts,
        pause_grace: Duration::from_secs(config.pause_grace_seconds),
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
        refill_delay: Duration::from_millis(config.stem_refill_milliseconds),
        stem_check_interval: Duration::from_secs(config.stem_check_seconds),
        stem_cells: stem_cells.collect(),
        ..PoolConfig::default()
    }
}
