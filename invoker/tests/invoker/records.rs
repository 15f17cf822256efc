//! Activations that go well, and what is told and kept of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use whirl_backends::bus::Bus;
use whirl_backends::contract::new_activation_id;
use whirl_backends::coordination::in_process::InProcessCoordination;
use whirl_backends::store::{ActivationQuery, ActivationStore, RecordForm, StoreError, Stores};
use whirl_containers::scripted::{Call, Script, ScriptedReply};
use whirl_invoker::InvokerConfig;
use whirl_model::{
    ActivationId, ActivationMessage, ActivationRecord, Json, Keep, Namespace, Outcome, Willingness,
};

use crate::world::{Setting, World, annotation, eventually, result};

#[tokio::test]
async fn a_cold_call_then_a_warm_one_in_the_same_container() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    let cold = world.invoke(&action, r#"{"n":1}"#).await;
    assert_eq!((cold.response.outcome, result(&cold)), (Outcome::Success, r#"{"n":1}"#));
    assert_eq!(cold.end.unwrap().0, cold.start.0 + cold.duration.unwrap());
    assert_eq!(annotation(&cold, "kind").unwrap(), r#""nodejs:20""#);
    assert_eq!(annotation(&cold, "path").unwrap(), Json::of(&action.path).as_str());
    assert_eq!(annotation(&cold, "timeout").unwrap(), "false");
    assert!(annotation(&cold, "initTime").is_some() && annotation(&cold, "waitTime").is_some());
    let warm = world.invoke(&action, "{}").await;
    assert_eq!(annotation(&warm, "initTime"), None);
    assert_eq!(world.counts(), [1, 1, 2, 0, 0, 0]);
}

#[tokio::test]
async fn the_runtime_is_told_what_it_has_to_know() {
    let mut world = World::scripted(Script::default()).await;
    let mut action = world.action("hello");
    action.annotations = serde_json::from_str(r#"[{"key":"provide-api-key","value":true}]"#).unwrap();
    action.parameters = serde_json::from_str(r#"[{"key":"SECRET","value":{"a":1},"init":true}]"#).unwrap();
    let record = world.invoke(&action, r#"{"SECRET":{"a":1},"x":"y"}"#).await;
    let calls = world.factory.calls();
    let body = |of: fn(&Call) -> Option<&serde_json::Value>| calls.iter().find_map(of).unwrap();
    let init = &body(|c| if let Call::Init(_, body) = c { Some(body) } else { None })["value"];
    assert_eq!(
        (&init["name"], &init["main"], &init["binary"]),
        (&"hello".into(), &"main".into(), &false.into())
    );
    assert_eq!((&init["code"], &init["env"]["SECRET"]), (&"code of it".into(), &r#"{"a":1}"#.into()));
    let run = body(|c| if let Call::Run(_, body) = c { Some(body) } else { None });
    assert_eq!(run["value"], serde_json::json!({"x": "y"}));
    assert_eq!(run["action_name"], format!("/{}", action.path));
    assert_eq!(run["activation_id"], record.activation_id.to_string());
    assert_eq!(run["api_key"], world.credentials.reveal());
    let deadline: u64 = run["deadline"].as_str().unwrap().parse().unwrap();
    assert!((record.start.0 + 4_000..=record.start.0 + 10_000).contains(&deadline));
}

#[tokio::test]
async fn logs_come_after_the_answer_and_belong_to_their_activation() {
    let script = Script::default().on_run(|request| {
        ScriptedReply::ok("{}")
            .writing(&format!("out {}\n", request.number), &format!("err {}\n", request.number))
    });
    let mut world = World::scripted(script).await;
    let action = world.action("talk");
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = world.invoke(&action, "{}").await;
        assert!(answer.logs.is_empty());
        ids.push(answer.activation_id);
    }
    for (number, id) in ids.into_iter().enumerate() {
        let mut lines = world.stored(id).await.logs;
        lines.sort_by_key(|l| l[31..].to_owned());
        let words: Vec<_> = lines.iter().map(|l| &l[31..]).collect();
        assert_eq!(words, [format!("stderr: err {number}"), format!("stdout: out {number}")]);
    }
}

#[tokio::test]
async fn a_step_is_run_with_an_array_and_tells_what_it_is_a_step_of() {
    let script = Script::default().on_run(|request| ScriptedReply::ok(request.body["value"].to_string()));
    let mut world = World::scripted(script).await;
    let action = world.action("echo");
    let cause = ActivationId::from_bits(9);
    let binding = Some("someone/bound".parse().unwrap());
    let message = world.message(&action, r#"[1,{"b":2},"x"]"#).await;
    let message = ActivationMessage { cause: Some(cause), binding, ..message };
    let id = world.publish(message).await;
    world.answer().await;
    let record = world.stored(id).await;
    assert_eq!(record.response.result.unwrap().as_str(), r#"[1,{"b":2},"x"]"#);
    assert_eq!(record.cause, Some(cause));
    let annotation = |key| record.annotations.get(key).map(Json::as_str);
    assert_eq!(
        (annotation("causedBy"), annotation("binding")),
        (Some("\"sequence\""), Some("\"someone/bound\""))
    );
}

#[tokio::test]
async fn an_idle_container_pauses_and_resumes() {
    let config = InvokerConfig { pause_grace_seconds: 0, ..Setting::default().config };
    let mut world = World::start(Setting { config, ..Setting::default() }).await;
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    eventually("the pause", async || (world.counts()[3] == 1).then_some(())).await;
    eventually("the state", async || world.invoker.status().pool.containers.get("paused").copied()).await;
    world.invoke(&action, "{}").await;
    assert_eq!(world.counts()[..5], [1, 1, 2, 1, 1]);
}

#[tokio::test]
async fn a_drain_finishes_what_runs_and_leaves_nothing() {
    let script = Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_millis(200)));
    let mut world = World::scripted(script).await;
    let action = world.action("slow");
    let message = world.message(&action, "{}").await;
    let id = world.publish(message).await;
    assert!(world.invoker.drain(Duration::from_secs(20)).await.unwrap());
    assert_eq!(world.answer().await.activation_id, id);
    let whole_id = (world.caller.namespace.clone(), id);
    assert_eq!(world.stores.activations.existing(&[whole_id]).await.unwrap(), [id]);
    assert!(world.factory.containers().is_empty());
}

#[tokio::test]
async fn only_what_is_to_be_kept_is_stored() {
    let script = Script::default().on_run(|request| match request.body["value"]["n"].as_u64() {
        Some(1) => ScriptedReply::ok(r#"{"error":"mine"}"#),
        Some(2) => ScriptedReply::ok("1"),
        _ => ScriptedReply::ok("{}"),
    });
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    let mut kept = Vec::new();
    for (keep, outcomes) in [
        (Keep::Never, [false, false, false]),
        (Keep::Failures, [false, true, true]),
        (Keep::FailuresNotOfApplication, [false, false, true]),
        (Keep::Always, [true, true, true]),
    ] {
        for (n, is_kept) in outcomes.into_iter().enumerate() {
            let message = world.message(&action, &format!(r#"{{"n":{n}}}"#)).await;
            let id = world.publish(ActivationMessage { keep, ..message }).await;
            assert_eq!(world.answer().await.activation_id, id, "who waits has the result");
            if is_kept {
                kept.push(id);
            } else {
                assert_eq!(world.bus.progress(id), None, "the bus need not keep it either");
            }
        }
    }
    assert!(world.invoker.drain(Duration::from_secs(20)).await.unwrap(), "nothing is waited for in vain");
    let all = ActivationQuery {
        namespace: world.caller.namespace.clone(),
        name: None,
        since: None,
        upto: None,
        skip: 0,
        limit: 100,
    };
    assert_eq!(world.stores.activations.count(&all).await.unwrap(), kept.len() as u64);
    for id in kept {
        world.stored(id).await;
    }
}

#[tokio::test]
async fn an_activation_that_never_ran_follows_the_same_rule() {
    let mut world = World::scripted(Script::default()).await;
    let mut message = world.message(&world.action("hello"), "{}").await;
    message.action = format!("{}/missing", world.caller.namespace).parse().unwrap();
    let kept = ActivationMessage { keep: Keep::Failures, ..message.clone() };
    let unkept =
        ActivationMessage { keep: Keep::Never, activation_id: new_activation_id(), ..message.clone() };
    let [kept, unkept] = [world.publish(kept).await, world.publish(unkept).await];
    for _ in 0..2 {
        assert_ne!(world.answer().await.response.outcome, Outcome::Success);
    }
    world.stored(kept).await;
    assert_eq!(world.bus.progress(unkept), None);
    let ids = [(world.caller.namespace.clone(), unkept)];
    assert!(world.stores.activations.existing(&ids).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_trace_context_reaches_the_action() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    let message = world.message(&action, "{}").await;
    let trace_parent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    world.publish(ActivationMessage { trace_parent: trace_parent.clone(), ..message }).await;
    world.answer().await;
    world.invoke(&action, "{}").await;
    let runs: Vec<_> = world
        .factory
        .calls()
        .into_iter()
        .filter_map(|call| if let Call::Run(_, body) = call { Some(body) } else { None })
        .collect();
    assert_eq!(runs[0]["traceparent"].as_str(), trace_parent.as_deref());
    assert!(runs[1].get("traceparent").is_none());
}

/// Stands before the store: says of every write whether it goes well.
struct Gate {
    store: Arc<dyn ActivationStore>,
    opens: fn(&[Arc<ActivationRecord>]) -> Result<(), StoreError>,
}

fn gated(stores: Stores, opens: fn(&[Arc<ActivationRecord>]) -> Result<(), StoreError>) -> Stores {
    Stores { activations: Arc::new(Gate { store: stores.activations.clone(), opens }), ..stores }
}

fn away() -> StoreError {
    StoreError::Unavailable { operation: "write records", source: std::io::Error::other("away").into() }
}

#[async_trait]
impl ActivationStore for Gate {
    async fn put_all(&self, records: &[Arc<ActivationRecord>]) -> Result<(), StoreError> {
        (self.opens)(records)?;
        self.store.put_all(records).await
    }
    async fn get(&self, namespace: &Namespace, id: ActivationId) -> Result<ActivationRecord, StoreError> {
        self.store.get(namespace, id).await
    }
    async fn existing(&self, ids: &[(Namespace, ActivationId)]) -> Result<Vec<ActivationId>, StoreError> {
        self.store.existing(ids).await
    }
    async fn list(&self, query: &ActivationQuery, form: RecordForm) -> Result<Vec<Json>, StoreError> {
        self.store.list(query, form).await
    }
    async fn count(&self, query: &ActivationQuery) -> Result<u64, StoreError> {
        self.store.count(query).await
    }
}

#[tokio::test]
async fn records_wait_for_a_store_that_is_away() {
    static REFUSALS: AtomicUsize = AtomicUsize::new(0);
    let wrap = |stores| {
        gated(stores, |_| if REFUSALS.fetch_add(1, Ordering::SeqCst) < 2 { Err(away()) } else { Ok(()) })
    };
    let mut world = World::start(Setting { wrap, ..Setting::default() }).await;
    let action = world.action("hello");
    let answer = world.invoke(&action, "{}").await;
    world.stored(answer.activation_id).await;
    assert_eq!(REFUSALS.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_record_that_the_store_refuses_keeps_no_other_waiting() {
    let wrap = |stores| {
        gated(stores, |records| match records.iter().any(|record| result(record).contains("odd")) {
            true => Err(StoreError::Unfit { operation: "write records", source: "it is odd".into() }),
            false => Ok(()),
        })
    };
    // Long enough that all of them are one batch.
    let config = InvokerConfig { record_gather_milliseconds: 200, ..InvokerConfig::default() };
    let mut world = World::start(Setting { wrap, config, ..Setting::default() }).await;
    let action = world.action("hello");
    let mut answers = Vec::new();
    for arguments in ["{}", r#"{"it":"is odd"}"#, "{}"] {
        answers.push(world.invoke(&action, arguments).await);
    }
    for answer in &answers {
        let stored = world.stored(answer.activation_id).await;
        if result(answer).contains("odd") {
            assert_eq!(stored.response.outcome, Outcome::InternalError);
            assert!(result(&stored).contains("'success'"), "{}", result(&stored));
            assert_eq!((stored.start, stored.annotations), (answer.start, answer.annotations.clone()));
        } else {
            assert_eq!(stored.response, answer.response);
        }
    }
    assert!(world.invoker.drain(Duration::from_secs(20)).await.unwrap(), "nothing waits any more");
    assert!(world.metrics.render().contains("whirl_invoker_records_refused_total 1"));
}

#[tokio::test]
async fn while_too_many_records_wait_nothing_is_taken_and_the_cluster_knows() {
    static AWAY: AtomicBool = AtomicBool::new(true);
    let wrap = |stores| gated(stores, |_| if AWAY.load(Ordering::SeqCst) { Err(away()) } else { Ok(()) });
    let script =
        Script::default().on_run(|_| ScriptedReply::ok(format!(r#"{{"x":"{}"}}"#, "x".repeat(1_000_000))));
    let config = InvokerConfig { credit: 1, ..Setting::default().config };
    let cluster = Some(Arc::new(InProcessCoordination::default()));
    let mut world = World::start(Setting { wrap, script, config, cluster, ..Setting::default() }).await;
    let action = world.action("large");
    let standing = |world: &World| world.invoker.status().willingness;
    let mut runs = 0;
    while standing(&world) == Willingness::Up {
        world.invoke(&action, "{}").await;
        runs += 1;
        assert!(runs < 100, "{runs} records of a megabyte wait");
    }
    assert!(runs > 60, "{runs}");
    assert_eq!(standing(&world), Willingness::Unhealthy);
    // Its credit may have been granted before the last record came.
    world.invoke(&action, "{}").await;
    let late = world.message(&action, "{}").await;
    let late = world.publish(late).await;
    let load = world.invoker.load();
    assert_eq!((load.waiting, load.running), (0, 0), "it stays in the topic");
    AWAY.store(false, Ordering::SeqCst);
    assert_eq!(world.answer().await.activation_id, late);
    world.stored(late).await;
    eventually("the end of the trouble", async || (standing(&world) == Willingness::Up).then_some(())).await;
}
