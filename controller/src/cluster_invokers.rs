//! The invokers of a cluster, as the coordination shows them and the balancer weighs them. Every decision is
//! the balancer's; here is the clock, the dice and the lock.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus::IntCounter;
use tokio::sync::watch;
use whirl_backends::coordination::{ClusterEvent, Watcher};
use whirl_model::health::placement_hash;
use whirl_model::{
    Acknowledgement, Action, ActivationId, ControllerId, Epoch, InvokerId, InvokerReport, Position,
};
use whirl_scheduling::Moment;
use whirl_scheduling::balancer::{Balancer, BalancerConfig, Choice, Ended, Health, Reason, Refusal, Request};
use whirl_service::metrics::MetricsError;
use whirl_service::{Metrics, Readiness};

use crate::config::MemberConfig;
use crate::invokers::{Demand, Invokers, Life, Resources};

/// The part of readiness that tells whether the cluster is in sight.
const COORDINATION: &str = "coordination";
/// The annotation that names what an action's host has to offer.
const RESOURCES: &str = "invoker-resources";

/// The invokers of a cluster. It has to watch the coordination.
pub struct ClusterInvokers {
    started: Instant,
    state: Mutex<State>,
    /// How many controllers are in sight: of interest to every invocation, so it is beside the lock.
    controllers: AtomicU32,
    /// Whether the whole cluster was seen once.
    seen: watch::Sender<bool>,
    readiness: Readiness,
    placements: Placements,
}

struct State {
    balancer: Balancer,
    lives: HashMap<InvokerId, Lives>,
    controllers: HashSet<ControllerId>,
}

/// What is known of the lives of one invoker.
#[derive(Default)]
struct Lives {
    /// What the latest told last, while it goes on.
    report: Option<Arc<InvokerReport>>,
    /// The latest that was seen.
    latest: Epoch,
    /// The latest that has ended, and when that was seen.
    ended: Option<(Epoch, Instant)>,
}

impl Lives {
    /// Where the latest is asked for logs, while it goes on.
    fn endpoint(&self) -> Option<String> {
        self.report.as_ref()?.endpoint.clone()
    }

    /// A life was seen: those before it are over.
    fn seen(&mut self, epoch: Epoch, now: Instant) {
        if epoch > self.latest {
            self.end(self.latest, now);
            self.latest = epoch;
        }
    }

    fn end(&mut self, epoch: Epoch, now: Instant) {
        if epoch >= self.latest {
            self.report = None;
        }
        if self.ended.is_none_or(|(before, _)| before < epoch) {
            self.ended = Some((epoch, now));
        }
    }
}

impl ClusterInvokers {
    /// No invokers yet: the readiness says so until the coordination has shown who is there.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn new(
        config: &MemberConfig,
        readiness: Readiness,
        metrics: &Metrics,
    ) -> Result<Arc<Self>, MetricsError> {
        readiness.blocked(COORDINATION, "the cluster has not come in sight yet");
        let balancer = Balancer::new(BalancerConfig {
            queue: config.invoker_queue,
            rest: Duration::from_secs(config.invoker_rest_seconds.into()),
        });
        Ok(Arc::new(Self {
            started: Instant::now(),
            state: Mutex::new(State { balancer, lives: HashMap::new(), controllers: HashSet::new() }),
            controllers: AtomicU32::new(0),
            seen: watch::Sender::new(false),
            readiness,
            placements: Placements::new(metrics)?,
        }))
    }

    /// Waits until the whole cluster was seen once.
    pub async fn seen(&self) {
        // Cannot fail: the sender lives as long as this.
        let _ = self.seen.subscribe().wait_for(|seen| *seen).await;
    }

    /// Where a life's invoker is asked for logs; where all that are there are.
    #[must_use]
    pub fn endpoints(&self, at: Option<Life>) -> Vec<String> {
        let state = self.state.lock();
        let all = || state.lives.values().filter_map(Lives::endpoint).collect();
        let of = |life: Life| state.lives.get(&life.invoker).and_then(Lives::endpoint);
        at.map_or_else(all, |life| of(life).into_iter().collect())
    }

    fn controllers(&self, change: impl FnOnce(&mut HashSet<ControllerId>) -> bool) {
        let all = &mut self.state.lock().controllers;
        change(all);
        self.controllers.store(u32::try_from(all.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    fn moment(&self, instant: Instant) -> Moment {
        instant.saturating_duration_since(self.started)
    }
}

impl Watcher for ClusterInvokers {
    fn event(&self, event: ClusterEvent) {
        let now = Instant::now();
        match event {
            ClusterEvent::Invoker { id, epoch, report } => {
                let mut state = self.state.lock();
                let lives = state.lives.entry(id).or_default();
                lives.seen(epoch, now);
                lives.report = Some(Arc::clone(&report));
                state.balancer.invoker(self.moment(now), id, epoch, &report);
            }
            ClusterEvent::InvokerGone { id, epoch } => {
                tracing::info!(invoker = %id, %epoch, "an invoker is gone");
                let mut state = self.state.lock();
                state.lives.entry(id).or_default().end(epoch, now);
                state.balancer.gone(id, epoch);
            }
            ClusterEvent::Controller { id, .. } => self.controllers(|all| all.insert(id)),
            ClusterEvent::ControllerGone { id, .. } => self.controllers(|all| all.remove(&id)),
            ClusterEvent::Current => {
                self.readiness.clear(COORDINATION);
                self.seen.send_replace(true);
            }
            ClusterEvent::Stale { reason } => self.readiness.blocked(COORDINATION, &reason),
        }
    }
}

impl Invokers for ClusterInvokers {
    fn place(&self, demand: &Demand<'_>) -> Result<Life, Refusal> {
        let request = Request {
            activation: demand.activation,
            place: placement_hash(demand.namespace, &demand.action.doc_id()),
            memory: demand.action.limits.memory,
            cpu: demand.action.limits.cpu,
            gpu: demand.action.limits.gpu.clone(),
            tags: resources(demand.action),
            deadline: self.moment(demand.deadline),
        };
        let roll = rand::random();
        let now = self.moment(Instant::now());
        let Choice { invoker, epoch, reason } = self.state.lock().balancer.place(now, &request, roll)?;
        self.placements.of(reason).inc();
        Ok(Life { invoker, epoch })
    }

    fn published(&self, activation: ActivationId, position: Position) {
        self.state.lock().balancer.published(activation, position);
    }

    fn withdraw(&self, activation: ActivationId) {
        self.state.lock().balancer.withdraw(activation);
    }

    fn ended(&self, acknowledgement: &Acknowledgement) {
        let ended = Ended {
            activation: acknowledgement.activation_id,
            invoker: acknowledgement.invoker,
            epoch: acknowledgement.epoch,
            report: acknowledgement.report,
            internal_error: acknowledgement.internal_error,
        };
        let now = self.moment(Instant::now());
        self.state.lock().balancer.ended(now, &ended);
    }

    fn over_since(&self, life: Life) -> Option<Instant> {
        let state = self.state.lock();
        let (ended, since) = state.lives.get(&life.invoker)?.ended?;
        (life.epoch <= ended).then_some(since)
    }

    fn controllers(&self) -> u32 {
        self.controllers.load(Ordering::Relaxed).max(1)
    }

    fn states(&self) -> Vec<(InvokerId, Health)> {
        let states = self.state.lock().balancer.states(self.moment(Instant::now()));
        states.into_iter().map(|invoker| (invoker.id, invoker.state)).collect()
    }

    fn resources(&self) -> Vec<(InvokerId, Resources)> {
        let state = self.state.lock();
        let known = state.lives.iter().filter_map(|(id, lives)| Some((*id, lives.report.as_deref()?)));
        let mut all: Vec<_> = known.map(|(id, report)| (id, Resources::from(report))).collect();
        all.sort_by_key(|(id, _)| *id);
        all
    }
}

/// What the action's host has to offer: a list of strings; anything else asks for nothing.
fn resources(action: &Action) -> Vec<String> {
    let wanted = action.annotations.get(RESOURCES);
    wanted.and_then(|list| serde_json::from_str(list.as_str()).ok()).unwrap_or_default()
}

/// Placements by reason.
struct Placements {
    home: IntCounter,
    warm: IntCounter,
    spill: IntCounter,
    queued: IntCounter,
}

impl Placements {
    fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let placements = metrics.counters(
            "whirl_controller_placements_total",
            "Invokers chosen, in a cluster, by reason.",
            &["reason"],
        )?;
        let of = |reason| placements.with_label_values(&[reason]);
        Ok(Self { home: of("home"), warm: of("warm"), spill: of("spill"), queued: of("queued") })
    }

    fn of(&self, reason: Reason) -> &IntCounter {
        match reason {
            Reason::Home => &self.home,
            Reason::Warm => &self.warm,
            Reason::Spill => &self.spill,
            Reason::Queued => &self.queued,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVOKER: InvokerId = InvokerId(3);

    fn gone(epoch: u64) -> ClusterEvent {
        ClusterEvent::InvokerGone { id: INVOKER, epoch: Epoch(epoch) }
    }

    #[test]
    fn a_life_is_over_when_it_is_gone_or_followed_by_another() {
        let readiness = Readiness::new();
        let invokers =
            ClusterInvokers::new(&MemberConfig::default(), readiness.clone(), &Metrics::new()).unwrap();
        let over = |epoch| invokers.over_since(Life { invoker: INVOKER, epoch: Epoch(epoch) });
        assert_eq!(over(1), None);
        invokers.event(gone(4));
        let since = over(4).unwrap();
        assert_eq!((over(3), over(5)), (Some(since), None));
        invokers.event(gone(2));
        assert_eq!(over(4), Some(since), "what comes late changes nothing");
        invokers.state.lock().lives.get_mut(&INVOKER).unwrap().seen(Epoch(7), Instant::now());
        invokers.state.lock().lives.get_mut(&INVOKER).unwrap().seen(Epoch(9), Instant::now());
        assert!(over(7).is_some() && over(9).is_none());
    }

    #[test]
    fn readiness_tells_whether_the_cluster_is_in_sight() {
        let readiness = Readiness::new();
        let invokers =
            ClusterInvokers::new(&MemberConfig::default(), readiness.clone(), &Metrics::new()).unwrap();
        assert!(readiness.reasons().contains_key(COORDINATION));
        invokers.event(ClusterEvent::Current);
        assert!(readiness.reasons().is_empty());
        invokers.event(ClusterEvent::Stale { reason: "no answer".into() });
        assert_eq!(readiness.reasons()[COORDINATION], "no answer");
    }
}
