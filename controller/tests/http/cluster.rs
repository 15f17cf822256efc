//! A controller as one of several: invokers that are lost, refuse or fall silent, and entities that others
//! change.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_backends::InProcessCoordination;
use whirl_backends::coordination::{Coordination, InvokerMembership, Watching};
use whirl_controller::{ClusterInvokers, MemberConfig};
use whirl_model::health::{InvokerReport, Willingness};
use whirl_model::{Keep, Outcome, Position};
use whirl_service::{Metrics, Readiness};

use crate::client::read_answer;
use crate::invoker::{Script, ScriptedInvoker, id_in};
use crate::world::{Setting, World, wait_for};

const BLOCKING: &str = "actions/hello?blocking=true";

/// A world whose invoker is a member of a cluster.
struct Cluster {
    world: World,
    coordination: Arc<InProcessCoordination>,
    readiness: Readiness,
    _membership: Option<Arc<dyn InvokerMembership>>,
    _watching: Box<dyn Watching>,
}

impl Cluster {
    fn start() -> Self {
        Self::start_as(MemberConfig::default(), Some(report()))
    }

    fn start_as(member: MemberConfig, report: Option<InvokerReport>) -> Self {
        let (metrics, readiness) = (Metrics::new(), Readiness::new());
        let invokers = ClusterInvokers::new(&member, readiness.clone(), &metrics).unwrap();
        let coordination = InProcessCoordination::new();
        let watching = coordination.watch(invokers.clone());
        let setting = Setting { member: Some(member), invokers, metrics, ..Setting::default() };
        let world = World::start_as(setting);
        world.has_action("hello");
        let joining = coordination.clone();
        let membership = report.map(|report| {
            world.run(async move { joining.join_invoker(ScriptedInvoker::ID, &report).await.unwrap() })
        });
        let cluster = Self { world, coordination, readiness, _membership: membership, _watching: watching };
        assert!(cluster.readiness.reasons().is_empty());
        cluster
    }
}

/// An invoker with room for two activations of the default size.
fn report() -> InvokerReport {
    InvokerReport {
        name: "a".into(),
        version: "1".into(),
        status: Willingness::Up,
        reason: None,
        serial: 1,
        taken: Position(0),
        memory_total: 512,
        memory_free: 512,
        waiting: 0,
        cpu_total: whirl_model::Cores::default(),
        cpu_free: whirl_model::Cores::default(),
        gpus: Vec::new(),
        tags: Vec::new(),
        warm: Vec::new(),
        endpoint: None,
    }
}

fn error_of(record: &Value) -> String {
    record["response"]["result"]["error"].as_str().unwrap().to_owned()
}

#[test]
fn activations_go_to_the_life_that_is_there() {
    let cluster = Cluster::start();
    let world = &cluster.world;
    for _ in 0..5 {
        world.alice().post(BLOCKING, &json!({})).ok();
    }
    let epoch = world.invoker.last_seen().epoch;
    assert!(epoch.0 > 0);
    assert_eq!(world.admin().get("/invokers").json(), json!({"invoker0": "up"}));
    assert!(world.metrics.render().contains(r#"whirl_controller_placements_total{reason="home"} 5"#));
}

#[test]
fn a_lost_invoker_ends_what_it_had() {
    let cluster = Cluster::start();
    let world = &cluster.world;
    world.invoker.does(Script::Hold);
    let fired = id_in(&world.alice().post("actions/hello", &json!({})).json());
    let mut waiting = world.alice().begin("POST", BLOCKING, &[], b"{}");
    world.wait_until_seen(2);
    cluster.coordination.expire_invoker(ScriptedInvoker::ID);
    let answer = read_answer(&mut waiting, "POST");
    assert_eq!(answer.status, 500);
    let (record, response) = (answer.json(), answer.json()["response"].clone());
    assert_eq!((&response["status"], &response["success"]), (&json!("whisk internal error"), &json!(false)));
    assert!(error_of(&record).contains("The invoker was lost"), "{record}");
    wait_for("both are recorded", || world.in_flight() == 0);
    for id in [fired, id_in(&record)] {
        let stored = world.alice().get(&format!("activations/{id}")).ok();
        assert!(error_of(&stored).contains("The invoker was lost"), "{stored}");
        assert_eq!((&stored["name"], &stored["version"]), (&json!("hello"), &json!("0.0.1")));
    }
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({"late": 1})).await });
    let stored = world.alice().get(&format!("activations/{fired}")).ok();
    assert!(error_of(&stored).contains("The invoker was lost"), "a record stays what it is");
    assert_eq!(world.admin().get("/invokers").json(), json!({"invoker0": "down"}));
    assert!(world.metrics.render().contains("whirl_controller_activations_lost_total 2"));
}

#[test]
fn what_is_lost_and_not_to_be_kept_gets_no_record() {
    let cluster = Cluster::start();
    let world = &cluster.world;
    let limits = json!({"storeActivations": false});
    assert_eq!(world.administrator().put("/admin/namespaces/alice/limits", &limits).status, 200);
    world.invoker.does(Script::Hold);
    let mut waiting = world.alice().begin("POST", BLOCKING, &[], b"{}");
    world.wait_until_seen(1);
    assert_eq!(world.invoker.last_seen().keep, Keep::Never);
    cluster.coordination.expire_invoker(ScriptedInvoker::ID);
    let record = read_answer(&mut waiting, "POST").json();
    assert!(error_of(&record).contains("The invoker was lost"), "{record}");
    wait_for("it is over", || world.in_flight() == 0);
    world.alice().get(&format!("activations/{}", id_in(&record))).refused(404);
}

#[test]
fn who_waits_for_a_lost_invoker_gets_the_record_that_it_stored() {
    let cluster = Cluster::start();
    let world = &cluster.world;
    world.invoker.does(Script::Hold);
    let mut waiting = world.alice().begin("POST", BLOCKING, &[], b"{}");
    world.wait_until_seen(1);
    let (message, records) = (world.invoker.last_seen(), world.stores.activations.clone());
    let record = Arc::new(crate::invoker::record(&message, Outcome::Success, &json!({"hi": "you"})));
    world.run(async move { records.put_all(&[record]).await.unwrap() });
    cluster.coordination.expire_invoker(ScriptedInvoker::ID);
    let record = read_answer(&mut waiting, "POST").ok();
    assert_eq!(record["response"]["result"], json!({"hi": "you"}));
}

#[test]
fn without_the_store_the_caller_is_told_of_the_loss_all_the_same() {
    let cluster = Cluster::start();
    let world = &cluster.world;
    world.alice().post(BLOCKING, &json!({})).ok();
    world.invoker.does(Script::Hold);
    let mut waiting = world.alice().begin("POST", BLOCKING, &[], b"{}");
    world.wait_until_seen(2);
    world.store.close();
    cluster.coordination.expire_invoker(ScriptedInvoker::ID);
    assert!(error_of(&read_answer(&mut waiting, "POST").json()).contains("The invoker was lost"));
    assert_eq!(world.in_flight(), 1, "its record is owed");
}

#[test]
fn a_silent_invoker_is_given_up_at_the_deadline() {
    let member = MemberConfig { lost_after_seconds: 0, ..MemberConfig::default() };
    let cluster = Cluster::start_as(member, Some(report()));
    let world = &cluster.world;
    world
        .alice()
        .put(
            "actions/quick",
            &json!({"exec": {"kind": "nodejs:20", "code": "x"},
                                               "limits": {"timeout": 100}}),
        )
        .ok();
    world.invoker.does(Script::Hold);
    let record = world.alice().post("actions/quick?blocking=true", &json!({}));
    assert_eq!(record.status, 500);
    assert!(error_of(&record.json()).contains("in time"));
    wait_for("nothing is in flight", || world.in_flight() == 0);
}

#[test]
fn what_no_invoker_takes_is_refused() {
    let refused = |cluster: &Cluster, path: &str, why: &str| {
        let answer = cluster.world.alice().post(path, &json!({}));
        let text = answer.refused(503);
        assert!(text.contains(why), "{text}");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.header("x-openwhisk-activation-id").is_none());
    };
    refused(&Cluster::start_as(MemberConfig::default(), None), BLOCKING, "no healthy invoker");
    let draining = InvokerReport { status: Willingness::Draining, ..report() };
    refused(&Cluster::start_as(MemberConfig::default(), Some(draining)), BLOCKING, "no healthy invoker");

    let member = MemberConfig { invoker_queue: 1, ..MemberConfig::default() };
    let cluster = Cluster::start_as(member, Some(report()));
    let world = &cluster.world;
    world.has_action_with("gpu", &json!({"annotations": [{"key": "invoker-resources", "value": ["gpu"]}]}));
    refused(&cluster, "actions/gpu", "resources");
    world.invoker.does(Script::Hold);
    for _ in 0..3 {
        assert_eq!(world.alice().post("actions/hello", &json!({})).status, 202);
    }
    refused(&cluster, "actions/hello", "overloaded");
    assert_eq!(world.in_flight(), 3);
    world.wait_until_seen(3);
    let invoker = world.invoker.clone();
    world.run(async move { invoker.finish_held(Outcome::Success, json!({})).await });
    assert_eq!(world.alice().post("actions/hello", &json!({})).status, 202, "there is room again");
}

#[test]
fn a_gpu_that_no_invoker_has_is_refused_and_what_they_have_is_shown() {
    let gpu =
        json!({"id": "GPU-1", "model": "Tesla T4", "class": "t4", "memory": 15360, "ways": 2, "free": 1});
    let gpus = vec![serde_json::from_value(gpu.clone()).unwrap()];
    let cluster = Cluster::start_as(MemberConfig::default(), Some(InvokerReport { gpus, ..report() }));
    let world = &cluster.world;
    let limits = |limit: Value| json!({"limits": {"gpu": limit}});
    for (name, limit) in [("two", json!(2)), ("h100", json!({"count": 0.5, "class": "h100"}))] {
        world.has_action_with(name, &limits(limit));
        let answer = world.alice().post(&format!("actions/{name}"), &json!({}));
        assert_eq!(answer.refused(503), "No invoker has a fitting GPU.");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    world.has_action_with("t4", &limits(json!({"count": 0.5, "class": "t4"})));
    world.alice().post("actions/t4?blocking=true", &json!({})).ok();
    let shown = world.admin().get("/invokers/resources").json();
    let memory = json!({"total": 512, "free": 512});
    let cpu = json!({"total": 0, "free": 0});
    assert_eq!(shown, json!({"invoker0": {"memory": memory, "cpu": cpu, "gpus": [gpu]}}));
    cluster.coordination.expire_invoker(ScriptedInvoker::ID);
    wait_for("it is gone", || world.admin().get("/invokers/resources").json() == json!({}));
}

#[test]
fn a_cluster_out_of_sight_is_told_and_goes_on() {
    let cluster = Cluster::start();
    cluster.coordination.go_away("no answer");
    assert_eq!(cluster.readiness.reasons()["coordination"], "no answer");
    cluster.world.alice().post(BLOCKING, &json!({})).ok();
    cluster.coordination.come_back();
    assert!(cluster.readiness.reasons().is_empty());
}

#[test]
fn what_another_controller_changes_is_forgotten() {
    let cluster = Cluster::start();
    let world = &cluster.world;
    let neighbour =
        world.neighbour(1, Setting { member: Some(MemberConfig::default()), ..Setting::default() });
    let version = || {
        world.alice().post(BLOCKING, &json!({})).ok();
        world.invoker.last_seen().version.to_string()
    };
    assert_eq!(version(), "0.0.1");
    neighbour.alice().put("actions/hello?overwrite=true", &json!({})).ok();
    assert_eq!(version(), "0.0.2");
    neighbour.alice().delete("actions/hello").ok();
    world.alice().post(BLOCKING, &json!({})).refused(404);
}
