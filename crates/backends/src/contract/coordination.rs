//! What a coordination has to do, in a cluster that nobody else uses.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::time::timeout;
use whirl_model::{ControllerId, ControllerReport, Epoch, InvokerId, InvokerReport, Position, Willingness};

use super::random;
use crate::coordination::{ClusterEvent, Coordination, CoordinationError, Membership, Watcher, Watching};

/// Longer than any healthy coordination takes, a lease running out included.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the suite. `expire` ends a lease as though its holder had been out of reach for too long, while the
/// holder lives.
pub async fn run(coordination: &Arc<dyn Coordination>, expire: impl AsyncFn(Epoch)) {
    numbers_stay_with_names(coordination).await;
    an_invoker_has_its_number_for_itself(coordination).await;
    controllers_take_the_lowest_number(coordination, &expire).await;
    a_controller_that_was_killed_gets_its_number_back(coordination).await;
    watchers_see_what_happens_in_order(coordination).await;
    a_late_watcher_sees_everyone_first(coordination).await;
    a_claim_has_one_holder(coordination, &expire).await;
    whoever_lost_its_lease_is_told(coordination, &expire).await;
    who_is_dropped_is_noticed(coordination).await;
}

/// What an invoker says first.
#[must_use]
pub fn report(serial: u64) -> InvokerReport {
    InvokerReport {
        name: "contract".to_owned(),
        version: "1".to_owned(),
        status: Willingness::Up,
        reason: None,
        serial,
        taken: Position(0),
        memory_total: 1024,
        memory_free: 1024,
        waiting: 0,
        cpu_total: whirl_model::Cores::default(),
        cpu_free: whirl_model::Cores::default(),
        gpus: Vec::new(),
        tags: vec!["gpu".to_owned()],
        warm: vec![u64::MAX],
        endpoint: Some("http://127.0.0.1:4234".to_owned()),
    }
}

/// What a controller says.
#[must_use]
pub fn controller() -> ControllerReport {
    controller_called("contract")
}

fn controller_called(name: &str) -> ControllerReport {
    ControllerReport { name: name.to_owned(), version: "1".to_owned() }
}

/// A watcher whose events can be waited for.
pub struct Sight {
    events: mpsc::UnboundedReceiver<ClusterEvent>,
    _watching: Box<dyn Watching>,
}

struct Eye(mpsc::UnboundedSender<ClusterEvent>);

impl Watcher for Eye {
    fn event(&self, event: ClusterEvent) {
        let _suite_has_ended = self.0.send(event);
    }
}

impl Sight {
    /// Watches a cluster.
    #[must_use]
    pub fn of(coordination: &Arc<dyn Coordination>) -> Self {
        let (eye, events) = mpsc::unbounded_channel();
        Self { events, _watching: coordination.watch(Arc::new(Eye(eye))) }
    }

    /// The next event.
    ///
    /// # Panics
    /// When none comes.
    pub async fn next(&mut self) -> ClusterEvent {
        timeout(DEADLINE, self.events.recv()).await.expect("an event came").unwrap()
    }

    /// Everything up to the first event that is like this.
    ///
    /// # Panics
    /// When none comes.
    pub async fn until(&mut self, like: impl Fn(&ClusterEvent) -> bool) -> Vec<ClusterEvent> {
        let mut seen = vec![self.next().await];
        while !like(&seen[seen.len() - 1]) {
            seen.push(self.next().await);
        }
        seen
    }

    /// Everything up to and with the next [`ClusterEvent::Current`].
    ///
    /// # Panics
    /// When it does not come.
    pub async fn until_current(&mut self) -> Vec<ClusterEvent> {
        self.until(|event| *event == ClusterEvent::Current).await
    }
}

fn seen(id: InvokerId, epoch: Epoch, serial: u64) -> ClusterEvent {
    ClusterEvent::Invoker { id, epoch, report: Arc::new(report(serial)) }
}

fn new_name(what: &str) -> String {
    format!("{what}-{:016x}", random())
}

async fn new_invoker(coordination: &Arc<dyn Coordination>) -> InvokerId {
    coordination.invoker_number(&new_name("invoker")).await.unwrap()
}

async fn lost(membership: &(impl Membership + ?Sized)) {
    timeout(DEADLINE, membership.lost()).await.expect("the holder is told");
}

async fn numbers_stay_with_names(coordination: &Arc<dyn Coordination>) {
    let names: Vec<String> = (0..8).map(|_| new_name("a/name with ünusual parts")).collect();
    let ask = || join_all(names.iter().map(async |name| coordination.invoker_number(name).await.unwrap()));
    // Each name is asked for twice at the same time.
    let (first, second) = futures::join!(ask(), ask());
    assert_eq!(first, second);
    assert_eq!(first.iter().map(|id| id.0).collect::<BTreeSet<_>>(), (0..8).collect());
    assert_eq!(ask().await, first);
}

async fn an_invoker_has_its_number_for_itself(coordination: &Arc<dyn Coordination>) {
    let id = new_invoker(coordination).await;
    let first = coordination.join_invoker(id, &report(1)).await.unwrap();
    let refused = coordination.join_invoker(id, &report(1)).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, CoordinationError::Taken(_)), "{refused}");
    first.report(&report(2)).await.unwrap();
    first.leave().await.unwrap();

    let second = coordination.join_invoker(id, &report(1)).await.unwrap();
    assert!(second.epoch() > first.epoch());
    // What is left of the first life changes nothing in the second.
    let late = first.report(&report(3)).await.unwrap_err();
    assert!(matches!(late, CoordinationError::Lost), "{late}");
    first.leave().await.unwrap();
    second.report(&report(2)).await.unwrap();
    second.leave().await.unwrap();
}

async fn controllers_take_the_lowest_number(
    coordination: &Arc<dyn Coordination>,
    expire: &impl AsyncFn(Epoch),
) {
    let join =
        async || coordination.join_controller(&controller_called(&new_name("controller"))).await.unwrap();
    let mut joined = join_all((0..8).map(|_| join())).await;
    joined.sort_by_key(|(id, _)| id.0);
    assert_eq!(joined.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    let epochs: BTreeSet<_> = joined.iter().map(|(_, membership)| membership.epoch()).collect();
    assert_eq!(epochs.len(), 8);

    joined[5].1.leave().await.unwrap();
    expire(joined[2].1.epoch()).await;
    lost(&*joined[2].1).await;
    for free in [2, 5, 8] {
        let (id, membership) = join().await;
        assert_eq!(id, ControllerId(free));
        assert!(membership.epoch() > *epochs.last().unwrap());
        joined.push((id, membership));
    }
    join_all(joined.iter().map(async |(_, membership)| membership.leave().await.unwrap())).await;
}

async fn a_controller_that_was_killed_gets_its_number_back(coordination: &Arc<dyn Coordination>) {
    let join = async |name| coordination.join_controller(&controller_called(name)).await.unwrap();
    let (mine, killed) = join("killed").await;
    let (other, survivor) = join("survivor").await;
    assert_ne!(mine, other);
    drop(killed);
    let (again, back) = join("killed").await;
    assert_eq!(again, mine);
    back.leave().await.unwrap();
    survivor.leave().await.unwrap();
}

async fn watchers_see_what_happens_in_order(coordination: &Arc<dyn Coordination>) {
    let mut sight = Sight::of(coordination);
    assert_eq!(sight.until_current().await, [ClusterEvent::Current], "the others have left");
    let id = new_invoker(coordination).await;
    let invoker = coordination.join_invoker(id, &report(1)).await.unwrap();
    for serial in 2..=20 {
        invoker.report(&report(serial)).await.unwrap();
    }
    for serial in 1..=20 {
        assert_eq!(sight.next().await, seen(id, invoker.epoch(), serial));
    }
    let (number, membership) = coordination.join_controller(&controller()).await.unwrap();
    let joined = ClusterEvent::Controller { id: number, report: Arc::new(controller()) };
    assert_eq!(sight.next().await, joined);
    invoker.leave().await.unwrap();
    assert_eq!(sight.next().await, ClusterEvent::InvokerGone { id, epoch: invoker.epoch() });
    membership.leave().await.unwrap();
    assert_eq!(sight.next().await, ClusterEvent::ControllerGone { id: number });
}

async fn a_late_watcher_sees_everyone_first(coordination: &Arc<dyn Coordination>) {
    let (one, two) = (new_invoker(coordination).await, new_invoker(coordination).await);
    let first = coordination.join_invoker(one, &report(1)).await.unwrap();
    let second = coordination.join_invoker(two, &report(1)).await.unwrap();
    second.report(&report(2)).await.unwrap();
    let (number, membership) = coordination.join_controller(&controller()).await.unwrap();

    let mut everyone = Sight::of(coordination).until_current().await;
    assert_eq!(everyone.pop(), Some(ClusterEvent::Current));
    assert_eq!(everyone.len(), 3);
    for member in [
        seen(one, first.epoch(), 1),
        seen(two, second.epoch(), 2),
        ClusterEvent::Controller { id: number, report: Arc::new(controller()) },
    ] {
        assert!(everyone.contains(&member), "{member:?} among {everyone:?}");
    }
    first.leave().await.unwrap();
    second.leave().await.unwrap();
    membership.leave().await.unwrap();
}

async fn a_claim_has_one_holder(coordination: &Arc<dyn Coordination>, expire: &impl AsyncFn(Epoch)) {
    let mut members = Vec::new();
    for _ in 0..8 {
        let id = new_invoker(coordination).await;
        members.push(coordination.join_invoker(id, &report(1)).await.unwrap());
    }
    let name = new_name("claims/name");
    let won = join_all(members.iter().map(async |member| member.claim(&name).await.unwrap())).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    members.swap(0, won.iter().position(|won| *won).unwrap());
    let [holder, next, last, ..] = &*members else { unreachable!("there are eight") };
    assert!(holder.claim(&name).await.unwrap(), "it is still its own");
    next.release(&name).await.unwrap();
    assert!(!next.claim(&name).await.unwrap(), "who has no claim cannot release it");
    holder.release(&name).await.unwrap();
    assert!(next.claim(&name).await.unwrap());

    expire(next.epoch()).await;
    lost(&**next).await;
    let late = next.claim(&name).await.unwrap_err();
    assert!(matches!(late, CoordinationError::Lost), "{late}");
    assert!(last.claim(&name).await.unwrap());
    last.leave().await.unwrap();
    assert!(holder.claim(&name).await.unwrap());
    join_all(members.iter().map(async |member| member.leave().await.unwrap())).await;
}

async fn whoever_lost_its_lease_is_told(coordination: &Arc<dyn Coordination>, expire: &impl AsyncFn(Epoch)) {
    let mut sight = Sight::of(coordination);
    sight.until_current().await;
    let id = new_invoker(coordination).await;
    let first = coordination.join_invoker(id, &report(1)).await.unwrap();
    assert_eq!(first.lost().now_or_never(), None);
    expire(first.epoch()).await;
    lost(&*first).await;
    let late = first.report(&report(2)).await.unwrap_err();
    assert!(matches!(late, CoordinationError::Lost), "{late}");

    let second = coordination.join_invoker(id, &report(1)).await.unwrap();
    assert_eq!(sight.next().await, seen(id, first.epoch(), 1));
    assert_eq!(sight.next().await, ClusterEvent::InvokerGone { id, epoch: first.epoch() });
    assert_eq!(sight.next().await, seen(id, second.epoch(), 1));
    drop(first);
    second.report(&report(2)).await.unwrap();
    assert_eq!(sight.next().await, seen(id, second.epoch(), 2), "the old life's end ends nothing else");
    second.leave().await.unwrap();
    assert_eq!(second.lost().now_or_never(), None, "leaving is no loss");
}

async fn who_is_dropped_is_noticed(coordination: &Arc<dyn Coordination>) {
    let mut sight = Sight::of(coordination);
    let id = new_invoker(coordination).await;
    let invoker = coordination.join_invoker(id, &report(1)).await.unwrap();
    let (number, membership) = coordination.join_controller(&controller()).await.unwrap();
    let epoch = invoker.epoch();
    drop(invoker);
    drop(membership);
    let seen = sight.until(|event| *event == ClusterEvent::ControllerGone { id: number });
    let gone = ClusterEvent::InvokerGone { id, epoch };
    // Both leases run out in the same moment, in either order.
    if !seen.await.contains(&gone) {
        assert_eq!(sight.next().await, gone);
    }
}
