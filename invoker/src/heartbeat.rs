//! The invoker as a member of a cluster: joins, reports how it is when that changed, joins again when its lease
//! has ended, and leaves. What follows from a report is the controllers' business.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};
use whirl_backends::coordination::{CoordinationError, InvokerMembership};
use whirl_model::{InvokerReport, Willingness};
use whirl_service::{Readiness, retry};

use crate::life::Figures;
use crate::parts::MemberParts;
use crate::shell::Shell;

/// The part of the process that readiness names when the cluster is out of reach.
const PART: &str = "coordination";
/// How long a report that failed, or a refusal to join again, is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// A drain, and a leave, wait no longer for a coordination that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A member's beat. It goes on until [`Heartbeat::leave`].
pub(crate) struct Heartbeat {
    member: Arc<Member>,
    beating: AbortHandle,
}

/// What the beat works with.
struct Member {
    shell: Arc<Shell>,
    parts: Arc<MemberParts>,
    membership: Mutex<Arc<dyn InvokerMembership>>,
    /// Something is to be reported at once.
    nudge: Notify,
    /// Whether the cluster knows, or cannot be told, that this invoker drains.
    drain_told: watch::Sender<bool>,
}

/// What the cluster was told last.
struct Told {
    status: Willingness,
    reason: Option<String>,
    figures: Figures,
}

impl Heartbeat {
    /// Joins; tries until that works. Activations come once [`Self::begin`] has reported that it is up.
    ///
    /// # Errors
    /// When trying again does not help.
    pub(crate) async fn join(
        shell: &Arc<Shell>,
        parts: &Arc<MemberParts>,
    ) -> Result<Arc<dyn InvokerMembership>, CoordinationError> {
        let (shell, parts, readiness) = (Arc::clone(shell), Arc::clone(parts), parts.readiness.clone());
        let attempt = move || try_to_join(Arc::clone(&shell), Arc::clone(&parts));
        retry::until_done(&readiness, PART, CoordinationError::is_retryable, attempt).await
    }

    /// Reports from now on.
    pub(crate) fn begin(
        shell: Arc<Shell>,
        parts: Arc<MemberParts>,
        membership: Arc<dyn InvokerMembership>,
    ) -> Self {
        let member = Arc::new(Member {
            shell,
            parts,
            membership: Mutex::new(membership),
            nudge: Notify::new(),
            drain_told: watch::Sender::new(false),
        });
        let beating = member.shell.background.spawn(Arc::clone(&member).beat()).abort_handle();
        Self { member, beating }
    }

    /// Reports that the invoker drains, and waits until nothing more comes from its topic.
    pub(crate) async fn drain(&self) {
        self.member.nudge.notify_one();
        let mut told = self.member.drain_told.subscribe();
        if tokio::time::timeout(PATIENCE, told.wait_for(|told| *told)).await.is_err() {
            tracing::warn!("the cluster cannot be told that this invoker drains");
        }
        let quiet = Duration::from_millis(self.member.parts.config.quiet_milliseconds);
        self.member.shell.until_quiet(quiet).await;
    }

    /// Leaves the cluster.
    pub(crate) async fn leave(&self) {
        self.beating.abort();
        let membership = self.member.membership();
        match tokio::time::timeout(PATIENCE, membership.leave()).await {
            Ok(Ok(()) | Err(CoordinationError::Lost)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the cluster was not left; it notices when the lease ends");
            }
            Err(_elapsed) => tracing::warn!("the cluster does not answer; it notices when the lease ends"),
        }
    }
}

impl Member {
    fn membership(&self) -> Arc<dyn InvokerMembership> {
        Arc::clone(&self.membership.lock())
    }

    async fn beat(self: Arc<Self>) {
        let mut due =
            tokio::time::interval(Duration::from_millis(self.parts.config.report_milliseconds.max(1)));
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_probe = Instant::now();
        let mut told = None;
        loop {
            let membership = self.membership();
            tokio::select! {
                biased;
                () = membership.lost() => {
                    told = None;
                    if self.shell.is_draining() {
                        self.drain_told.send_replace(true);
                        return;
                    }
                    self.join_again().await;
                    continue;
                }
                () = self.nudge.notified() => {}
                _ = due.tick() => {}
            }
            self.probe(&mut next_probe);
            match self.report(&*membership, &mut told).await {
                Ok(()) => tell(&self.parts.readiness, membership.trouble()),
                Err(error) => {
                    tell(&self.parts.readiness, Some(retry::with_causes(&error)));
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Reports if anything has changed since the last time.
    async fn report(
        &self,
        membership: &dyn InvokerMembership,
        told: &mut Option<Told>,
    ) -> Result<(), CoordinationError> {
        let (status, reason) = self.shell.standing();
        let known = told.as_ref().filter(|told| told.status == status && told.reason == reason);
        let Some((serial, figures)) = self.shell.begin_report(known.map(|told| &told.figures)) else {
            return Ok(());
        };
        let report = InvokerReport { status, reason, ..report_of(&self.parts, serial, &figures) };
        let outcome = tokio::select! {
            outcome = membership.report(&report) => outcome,
            () = membership.lost() => Err(CoordinationError::Lost),
        };
        self.shell.metrics.reports.with_label_values(&[if outcome.is_ok() { "ok" } else { "failed" }]).inc();
        // What was told is not known any more, should this have failed.
        *told = None;
        outcome?;
        if report.status == Willingness::Draining {
            self.drain_told.send_replace(true);
        }
        *told = Some(Told { status: report.status, reason: report.reason, figures });
        Ok(())
    }

    /// Tries whether containers start again, if they did not and it is time to.
    fn probe(&self, next: &mut Instant) {
        let now = Instant::now();
        if now < *next || self.shell.is_draining() {
            return;
        }
        if self.shell.probe() {
            *next = now + Duration::from_secs(self.parts.config.probe_seconds);
        }
    }

    /// Begins a new life. What was taken in the old one goes on; what comes for it is not run.
    async fn join_again(&self) {
        tracing::warn!("the lease has ended: this invoker was out of reach for too long, and joins again");
        self.shell.leave_life();
        self.parts.readiness.blocked(PART, "the lease has ended; joining again");
        loop {
            match Heartbeat::join(&self.shell, &self.parts).await {
                Ok(membership) => {
                    *self.membership.lock() = membership;
                    return;
                }
                Err(error) => tell(&self.parts.readiness, Some(retry::with_causes(&error))),
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

async fn try_to_join(
    shell: Arc<Shell>,
    parts: Arc<MemberParts>,
) -> Result<Arc<dyn InvokerMembership>, CoordinationError> {
    // Nobody may send anything before this process knows its new epoch.
    let (serial, figures) = shell.first_report();
    let report = InvokerReport {
        status: Willingness::Unhealthy,
        reason: Some("it is joining".to_owned()),
        ..report_of(&parts, serial, &figures)
    };
    let membership = parts.coordination.join_invoker(shell.id, &report).await?;
    shell.begin_life(membership.epoch());
    shell.metrics.joins.inc();
    tracing::info!(invoker = %shell.id, epoch = %membership.epoch(), "joined the cluster");
    Ok(membership)
}

fn report_of(parts: &MemberParts, serial: u64, figures: &Figures) -> InvokerReport {
    let load = &figures.load;
    InvokerReport {
        name: parts.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        status: Willingness::Up,
        reason: None,
        serial,
        taken: figures.taken,
        memory_total: load.memory_total,
        memory_free: load.memory_free,
        cpu_total: load.cpu_total,
        cpu_free: load.cpu_free,
        gpus: load.gpus.clone(),
        waiting: u32::try_from(load.waiting + figures.on_their_way).unwrap_or(u32::MAX),
        tags: parts.tags.clone(),
        warm: load.warm.clone(),
        endpoint: parts.endpoint.clone(),
    }
}

/// Says whether the cluster is out of reach; logs it when that is new.
fn tell(readiness: &Readiness, trouble: Option<String>) {
    let known = readiness.reasons().remove(PART);
    match trouble {
        Some(reason) if known.as_ref() != Some(&reason) => {
            tracing::warn!(reason, "out of touch with the cluster; going on");
            readiness.blocked(PART, &reason);
        }
        None if known.is_some() => {
            tracing::info!("in touch with the cluster");
            readiness.clear(PART);
        }
        _ => {}
    }
}
