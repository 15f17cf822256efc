//! What the pool does, told as scripts.

use whirl_model::health::placement_hash;
use whirl_model::{ActivationId, DocId, Kind, Revision};

use super::*;

fn request(n: u128, action: &str) -> Request {
    request_of(n, action, 256, 1)
}

fn request_of(n: u128, action: &str, memory: u32, concurrency: u32) -> Request {
    Request {
        activation: ActivationId::from_bits(n),
        key: WarmKey {
            namespace: "guest".parse().unwrap(),
            action: DocId::from(action),
            revision: Revision::from("1-a".to_owned()),
        },
        stem: stem(memory),
        concurrency,
        instances: None,
        deadline: None,
    }
}

fn stem(memory: u32) -> Arc<Stem> {
    Arc::new(Stem {
        kind: Kind::new("nodejs:20"),
        image: "whirl/node:1".parse().unwrap(),
        memory,
        cpu: None,
        gpu: None,
    })
}

fn activation(n: u128) -> ActivationId {
    ActivationId::from_bits(n)
}

const fn secs(n: u64) -> Moment {
    Moment::from_secs(n)
}

fn failure(message: &str) -> StartFailure {
    StartFailure { message: message.into(), developers: true }
}

/// A pool with verbs. Wake-ups and credit are left out of what they answer.
struct Script {
    pool: Pool,
    now: Moment,
}

impl Script {
    fn new(config: PoolConfig) -> Self {
        Self { pool: Pool::new(config), now: Moment::ZERO }
    }

    fn with_memory(memory: u32) -> Self {
        Self::new(PoolConfig { memory, ..PoolConfig::default() })
    }

    fn with_stem_cells(memory: u32, count: u32, reactive: Option<ReactiveRule>) -> Self {
        let rule = StemRule { stem: stem(256), initial_count: count, reactive };
        Self::new(PoolConfig { memory, stem_cells: vec![rule], ..PoolConfig::default() })
    }

    fn raw(&mut self, event: Event) -> Vec<Effect> {
        self.pool.handle(self.now, event)
    }

    fn after(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.raw(event);
        effects.retain(|e| !matches!(e, Effect::WakeAt(_) | Effect::GrantCredit(_)));
        effects
    }

    /// A container that holds `action`'s code and idles.
    fn warm(&mut self, id: u64, n: u128, action: &str) {
        self.after(Event::Arrived(request(n, action)));
        self.after(Event::Started(ContainerId(id)));
        self.after(Event::Initialised(ContainerId(id)));
        self.after(Event::Ended(ContainerId(id), Fate::Keep));
        assert!(self.count("idle") > 0, "{:?}", self.pool.status());
    }

    fn count(&self, state: &str) -> usize {
        self.pool.status().containers.get(state).copied().unwrap_or_default()
    }
}

const COLD: Cold = Cold { origin: Origin::NewContainer, reason: ColdReason::First };
const C0: ContainerId = ContainerId(0);
const C1: ContainerId = ContainerId(1);
const C2: ContainerId = ContainerId(2);

#[test]
fn a_cold_start_initialises_then_the_container_is_reused_warm() {
    let mut s = Script::with_memory(512);
    assert_eq!(s.after(Event::Arrived(request(1, "a"))), [Effect::Start(C0, stem(256), vec![])]);
    assert_eq!(s.after(Event::Started(C0)), [Effect::Initialise(C0, activation(1), COLD)]);
    assert_eq!(s.after(Event::Initialised(C0)), []);
    assert_eq!(s.raw(Event::Ended(C0, Fate::Keep)), [Effect::GrantCredit(1), Effect::WakeAt(secs(10))]);
    assert_eq!(s.after(Event::Arrived(request(2, "a"))), [Effect::Run(C0, activation(2))]);
}

#[test]
fn whoever_fits_takes_the_container_that_is_free_first() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    assert_eq!(s.after(Event::Arrived(request(2, "a"))), [Effect::Run(C0, activation(2))]);
    assert_eq!(s.after(Event::Arrived(request(3, "a"))), [Effect::Start(C1, stem(256), vec![])]);
    // The warm one is free before the new one is up: it serves the request, the new one stays a stem cell.
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Run(C0, activation(3))]);
    assert_eq!(s.after(Event::Started(C1)), []);
    assert_eq!(s.after(Event::Arrived(request(4, "b"))), [Effect::Initialise(C1, activation(4), COLD)]);
}

#[test]
fn namespaces_and_revisions_never_share_a_container() {
    let mut s = Script::with_memory(1024);
    s.warm(0, 1, "a");
    let mut other_tenant = request(2, "a");
    other_tenant.key.namespace = "mallory".parse().unwrap();
    assert_eq!(s.after(Event::Arrived(other_tenant)), [Effect::Start(C1, stem(256), vec![])]);
    let mut newer = request(3, "a");
    newer.key.revision = Revision::from("2-b".to_owned());
    assert_eq!(s.after(Event::Arrived(newer)), [Effect::Start(C2, stem(256), vec![])]);
}

#[test]
fn the_least_recently_used_container_is_evicted_and_counts_until_it_is_gone() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    s.now = secs(1);
    s.warm(1, 2, "b");
    assert_eq!(s.after(Event::Arrived(request(3, "c"))), [Effect::Destroy(C0)]);
    assert_eq!(s.pool.status().memory_used, 512);
    assert_eq!(s.after(Event::Removed(C0)), [Effect::Start(C2, stem(256), vec![])]);
}

#[test]
fn nothing_is_evicted_where_that_would_not_make_enough_room() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    s.after(Event::Arrived(request(2, "b")));
    assert_eq!(s.after(Event::Arrived(request_of(3, "big", 512, 1))), []);
    assert_eq!(s.count("idle"), 1);
}

#[test]
fn a_request_larger_than_the_pool_is_rejected_at_once() {
    let mut s = Script::with_memory(256);
    let rejected = Effect::Reject(activation(1), Rejection::TooLarge { needs: 512, has: 256 });
    assert_eq!(s.raw(Event::Arrived(request_of(1, "a", 512, 1))), [rejected, Effect::GrantCredit(1)]);
}

#[test]
fn a_waiting_request_is_passed_by_warm_ones_only_so_often() {
    let config = PoolConfig { memory: 256, max_bypass: 2, ..PoolConfig::default() };
    let mut s = Script::new(config);
    s.warm(0, 1, "a");
    assert_eq!(s.after(Event::Arrived(request(2, "a"))), [Effect::Run(C0, activation(2))]);
    s.after(Event::Arrived(request(3, "b")));
    for n in 4..8 {
        s.after(Event::Arrived(request(n, "a")));
    }
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Run(C0, activation(4))]);
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Run(C0, activation(5))]);
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Destroy(C0)]);
    assert_eq!(s.after(Event::Removed(C0)), [Effect::Start(C1, stem(256), vec![])]);
    assert_eq!(s.after(Event::Started(C1)), [Effect::Initialise(C1, activation(3), COLD)]);
}

#[test]
fn a_start_that_fails_ends_the_oldest_request_that_wanted_it() {
    let mut s = Script::with_memory(256);
    s.after(Event::Arrived(request(1, "a")));
    s.after(Event::Arrived(request(2, "a")));
    let rejected = Effect::Reject(activation(1), Rejection::StartFailed(failure("no image")));
    assert_eq!(
        s.after(Event::StartFailed(C0, failure("no image"))),
        [rejected, Effect::Start(C1, stem(256), vec![])]
    );
}

#[test]
fn a_broken_container_is_destroyed_and_not_used_again() {
    let mut s = Script::with_memory(512);
    s.after(Event::Arrived(request(1, "a")));
    s.after(Event::Started(C0));
    assert_eq!(s.after(Event::Ended(C0, Fate::Discard)), [Effect::Destroy(C0)]);
    assert_eq!(s.after(Event::Arrived(request(2, "a"))), [Effect::Start(C1, stem(256), vec![])]);
}

#[test]
fn a_bounced_request_goes_first_to_another_container() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    s.after(Event::Arrived(request(2, "a")));
    let effects = s.after(Event::Bounced(C0, request(2, "a")));
    assert_eq!(effects, [Effect::Destroy(C0), Effect::Start(C1, stem(256), vec![])]);
    assert_eq!(s.after(Event::Started(C1)), [Effect::Initialise(C1, activation(2), COLD)]);
}

#[test]
fn idle_containers_pause_then_resume_or_go() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    s.now = secs(10);
    assert_eq!(s.after(Event::Tick), [Effect::Pause(C0)]);
    assert_eq!(s.raw(Event::Paused(C0)), [Effect::WakeAt(secs(600))]);
    assert_eq!(s.after(Event::Arrived(request(2, "a"))), [Effect::Resume(C0, activation(2))]);
    s.after(Event::Resumed(C0));
    s.after(Event::Ended(C0, Fate::Keep));
    s.now = secs(610);
    assert_eq!(s.after(Event::Tick), [Effect::Destroy(C0)]);
}

#[test]
fn a_failed_resume_hands_its_request_on() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    s.now = secs(10);
    s.after(Event::Tick);
    s.after(Event::Paused(C0));
    s.after(Event::Arrived(request(2, "a")));
    assert_eq!(
        s.after(Event::FreezerFailed(C0)),
        [Effect::Destroy(C0), Effect::Start(C1, stem(256), vec![])]
    );
}

#[test]
fn a_condemned_container_finishes_its_run_then_goes() {
    let mut s = Script::with_memory(512);
    s.warm(0, 1, "a");
    s.after(Event::Arrived(request(2, "a")));
    assert_eq!(s.after(Event::Condemned(C0)), []);
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Destroy(C0)]);
}

#[test]
fn one_container_runs_as_many_activations_at_once_as_its_action_allows() {
    let mut s = Script::with_memory(256);
    let many = |n| request_of(n, "a", 256, 2);
    assert_eq!(s.after(Event::Arrived(many(1))), [Effect::Start(C0, stem(256), vec![])]);
    s.after(Event::Started(C0));
    assert_eq!(s.after(Event::Arrived(many(2))), []);
    assert_eq!(s.after(Event::Initialised(C0)), [Effect::Run(C0, activation(2))]);
    assert_eq!(s.after(Event::Arrived(many(3))), []);
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Run(C0, activation(3))]);
}

#[test]
fn stem_cells_start_at_once_are_taken_and_replaced_a_little_later() {
    let mut s = Script::with_stem_cells(1024, 1, None);
    assert_eq!(s.after(Event::Tick), [Effect::Start(C0, stem(256), vec![])]);
    s.after(Event::Started(C0));
    let effects = s.raw(Event::Arrived(request(1, "a")));
    let refill = Moment::from_millis(200);
    assert_eq!(effects, [Effect::Initialise(C0, activation(1), COLD), Effect::WakeAt(refill)]);
    s.now = refill;
    assert_eq!(s.after(Event::Tick), [Effect::Start(C1, stem(256), vec![])]);
}

#[test]
fn stem_cells_give_way_to_requests() {
    let mut s = Script::with_stem_cells(256, 1, None);
    s.after(Event::Tick);
    s.after(Event::Started(C0));
    let mut python = request(1, "p");
    python.stem = Arc::new(Stem { kind: Kind::new("python:3.11"), ..(*stem(256)).clone() });
    assert_eq!(s.after(Event::Arrived(python.clone())), [Effect::Destroy(C0)]);
    assert_eq!(s.after(Event::Removed(C0)), [Effect::Start(C1, python.stem, vec![])]);
}

#[test]
fn a_stem_cell_that_will_not_start_is_tried_again_later_and_later() {
    let mut s = Script::with_stem_cells(256, 1, None);
    s.after(Event::Tick);
    assert_eq!(s.raw(Event::StartFailed(C0, failure("x"))), [Effect::WakeAt(secs(1))]);
    s.now = secs(1);
    assert_eq!(s.after(Event::Tick), [Effect::Start(C1, stem(256), vec![])]);
    assert_eq!(s.raw(Event::StartFailed(C1, failure("x"))), [Effect::WakeAt(secs(3))]);
}

#[test]
fn reactive_stem_cells_follow_cold_starts_and_expire() {
    let reactive = ReactiveRule { min_count: 1, max_count: 3, ttl: secs(120), threshold: 1, increment: 1 };
    let mut s = Script::with_stem_cells(2048, 2, Some(reactive));
    assert_eq!(s.after(Event::Tick).len(), 2);
    s.after(Event::Started(C0));
    s.after(Event::Started(C1));
    s.now = secs(600);
    assert_eq!(s.after(Event::Tick), [Effect::Destroy(C0)]);
    assert_eq!(s.count("stem"), 1);
}

#[test]
fn a_removal_that_fails_is_tried_again_and_keeps_its_memory() {
    let mut s = Script::with_memory(256);
    s.warm(0, 1, "a");
    s.after(Event::Arrived(request(2, "b")));
    assert_eq!(s.raw(Event::RemoveFailed(C0)), [Effect::WakeAt(secs(5))]);
    assert_eq!(s.pool.status().memory_used, 256);
    s.now = secs(5);
    assert_eq!(s.after(Event::Tick), [Effect::Destroy(C0)]);
    assert_eq!(s.after(Event::Removed(C0)), [Effect::Start(C1, stem(256), vec![])]);
}

#[test]
fn a_drain_finishes_what_runs_and_waits_then_removes_all() {
    let mut s = Script::with_memory(256);
    s.warm(0, 1, "a");
    s.after(Event::Arrived(request(2, "a")));
    s.after(Event::Arrived(request(3, "a")));
    assert_eq!(s.after(Event::Drain), []);
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Run(C0, activation(3))]);
    assert_eq!(s.after(Event::Ended(C0, Fate::Keep)), [Effect::Destroy(C0)]);
    assert_eq!(s.after(Event::Removed(C0)), [Effect::Drained]);
}

#[test]
fn the_load_follows_what_runs_and_waits_and_what_is_idle_is_free() {
    let mut s = Script::with_memory(1024);
    s.warm(0, 1, "a");
    s.now = secs(1);
    s.warm(1, 2, "b");
    let hash = |action| placement_hash(&request(0, action).key.namespace, &DocId::from(action));
    let idle = s.pool.load();
    assert_eq!((idle.memory_total, idle.memory_free, idle.running), (1024, 1024, 0));
    assert_eq!(idle.warm, [hash("b"), hash("a")]);
    s.after(Event::Arrived(request(3, "a")));
    s.after(Event::Arrived(request_of(4, "c", 512, 1)));
    let busy = s.pool.load();
    assert_eq!((busy.memory_free, busy.running, busy.waiting), (256, 1, 1));
    assert_eq!(busy.warm, [hash("b")]);
    s.after(Event::Condemned(C1));
    assert_eq!(s.pool.load().memory_free, 0, "what is being removed is not free yet");
    s.after(Event::Removed(C1));
    assert_eq!(s.pool.load().memory_free, 256);
}

#[test]
fn a_probe_starts_a_container_and_makes_room_for_it_first() {
    let mut s = Script::with_memory(256);
    s.warm(0, 1, "a");
    assert_eq!(s.after(Event::Probe(stem(256))), [Effect::Destroy(C0)]);
    assert_eq!(s.after(Event::Probe(stem(256))), []);
    s.after(Event::Removed(C0));
    assert_eq!(s.after(Event::Probe(stem(256))), [Effect::Start(C1, stem(256), vec![])]);
    assert_eq!(s.after(Event::Probe(stem(256))), [], "one at a time");
    s.after(Event::Started(C1));
    assert_eq!(s.after(Event::Arrived(request(2, "b"))), [Effect::Initialise(C1, activation(2), COLD)]);
}
