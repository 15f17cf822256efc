//! The invoker as the rest of the process sees it: started, asked how it is, drained.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use whirl_backends::coordination::CoordinationError;
use whirl_containers::factory::ContainerError;
use whirl_model::{ActivationId, Epoch, InvokerId, Namespace, Topic, Willingness};
use whirl_scheduling::pool::{Event, PoolLoad, PoolStatus};
use whirl_service::Readiness;
use whirl_service::checks::Checks;

use crate::feed::Feed;
use crate::heartbeat::Heartbeat;
use crate::live::LiveLog;
use crate::parts::InvokerParts;
use crate::shell::Shell;

/// Why an invoker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Containers that an earlier process left behind cannot be removed.
    #[error("an earlier process left containers behind")]
    Leftovers(#[from] ContainerError),
    /// It cannot become a member of its cluster.
    #[error("the invoker cannot join its cluster")]
    Join(#[from] CoordinationError),
}

/// How an invoker is doing.
#[derive(Clone, Debug)]
pub struct InvokerStatus {
    /// Its number.
    pub id: InvokerId,
    /// Its life; zero while it is no member of a cluster.
    pub epoch: Epoch,
    /// Whether it takes work.
    pub willingness: Willingness,
    /// Why not, if it does not.
    pub reason: Option<String>,
    /// Its containers.
    pub pool: PoolStatus,
}

/// A running invoker. Clones are handles of the same one.
#[derive(Clone)]
pub struct Invoker {
    shell: Arc<Shell>,
    heartbeat: Option<Arc<Heartbeat>>,
}

impl Invoker {
    /// Joins the cluster, if there is one; removes what an earlier invoker of this owner left, starts the stem
    /// cells, and reads the topic: first what was accepted before and not recorded. Activations run on the
    /// threads of those who publish them, all else on the runtime of this call.
    ///
    /// # Errors
    /// When containers left behind cannot be removed, or the cluster refuses. While it cannot be reached, or
    /// another process has the number, this waits.
    pub async fn start(mut parts: InvokerParts) -> Result<Self, StartError> {
        let member = parts.member.take().map(Arc::new);
        let shell = Arc::new(Shell::new(parts));
        // First, as from here on no other process has this number, nor containers of this owner.
        let membership = match &member {
            Some(member) => Some(Heartbeat::join(&shell, member).await?),
            None => None,
        };
        let leftovers = shell.factory.remove_leftovers().await?;
        if leftovers > 0 {
            tracing::info!(leftovers, "removed containers that an earlier process left behind");
        }
        let granting = Arc::clone(&shell);
        let grant = move |credit| granting.grant_now(credit);
        shell.background.spawn(Arc::clone(&shell.records).run(grant));
        shell.background.spawn(keep_time(Arc::clone(&shell)));
        shell.turn(Event::Tick);
        // Credit is granted only when grants can be passed on.
        let feed = Arc::new(Feed(Arc::clone(&shell)));
        let subscription = shell.bus.subscribe(Topic::Activations(shell.id), feed, 0);
        *shell.subscription.write() = Some(Arc::from(subscription));
        shell.grant(shell.config.credit);
        let heartbeat = member.zip(membership);
        let heartbeat = heartbeat.map(|(parts, place)| Heartbeat::begin(Arc::clone(&shell), parts, place));
        Ok(Self { shell, heartbeat: heartbeat.map(Arc::new) })
    }

    /// What it has for containers, and what of it is free.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        self.shell.state.lock().pool.load()
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> InvokerStatus {
        let (willingness, reason) = self.shell.standing();
        let pool = self.shell.state.lock().pool.status();
        InvokerStatus { id: self.shell.id, epoch: self.shell.epoch(), willingness, reason, pool }
    }

    /// Tells readiness, as the part `containers`, whether containers can be made and removed.
    pub fn watch(&self, readiness: Readiness) -> Checks {
        let shell = Arc::clone(&self.shell);
        Checks::watch(readiness, move || std::future::ready([("containers", shell.check_engine())]))
    }

    /// The log of an activation that this invoker has, if it belongs to the namespace, without its first `from` lines.
    #[must_use]
    pub fn live_logs(&self, activation: ActivationId, namespace: &Namespace, from: usize) -> Option<LiveLog> {
        self.shell.live.follow(activation, namespace, from)
    }

    /// Tells the cluster, takes what is still in the topic, finishes it, writes all records, removes all
    /// containers, and leaves. Without a cluster, what is in the topic is not waited for. What is not finished
    /// when `grace` is over is left to the bus, and its containers are removed all the same. Whether
    /// everything was finished.
    ///
    /// # Errors
    /// When containers, or what they needed on the host, cannot be removed.
    pub async fn drain(&self, grace: Duration) -> Result<bool, ContainerError> {
        self.shell.draining.store(true, Ordering::Relaxed);
        let finished = tokio::time::timeout(grace, self.finish()).await.is_ok();
        let read_no_more = self.shell.subscription.write().take();
        drop(read_no_more);
        // From here on nothing is started, and a run that ends because its container goes has not failed.
        self.shell.closing.send_replace(true);
        let removed = self.remove_containers().await;
        self.shell.bus.close().await;
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.leave().await;
        }
        removed.map(|()| finished)
    }

    async fn finish(&self) {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.drain().await;
        }
        let drained = self.shell.drained.notified();
        self.shell.turn(Event::Drain);
        drained.await;
        self.shell.records.flushed().await;
        self.shell.acknowledgements.all_sent().await;
    }

    async fn remove_containers(&self) -> Result<(), ContainerError> {
        self.shell.factory.remove_leftovers().await?;
        self.shell.factory.close().await
    }
}

/// Sends the pool its ticks.
async fn keep_time(shell: Arc<Shell>) {
    loop {
        shell.alarm.rings().await;
        shell.turn(Event::Tick);
    }
}
