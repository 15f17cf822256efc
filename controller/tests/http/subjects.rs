//! The administrator's part of the admin port: subjects, their namespaces and credentials, and who may not use
//! it.

use serde_json::{Value, json};
use whirl_controller::MemberConfig;

use crate::client::Client;
use crate::world::{Setting, World};

const CAROL: &str = "/admin/subjects/carol";
const PATHS: [(&str, &str); 10] = [
    ("POST", CAROL),
    ("GET", CAROL),
    ("DELETE", CAROL),
    ("PUT", "/admin/subjects/carol/blocked"),
    ("GET", "/admin/namespaces/carol/identities"),
    ("POST", "/admin/whois"),
    ("GET", "/admin/namespaces/carol/limits"),
    ("PUT", "/admin/namespaces/carol/limits"),
    ("DELETE", "/admin/namespaces/carol/limits"),
    ("POST", "/disable"),
];

#[track_caller]
fn credentials(answer: &Value) -> String {
    answer["credentials"].as_str().unwrap().to_owned()
}

#[track_caller]
fn namespace_of(client: &Client) -> String {
    client.get("/api/v1/namespaces").ok()[0].as_str().unwrap().to_owned()
}

#[test]
fn only_the_administrators_key_opens_administration() {
    let world = World::start();
    let admin = world.admin();
    let right = world.administrator();
    for (method, path) in PATHS {
        for authorization in [None, Some("Bearer wrong"), Some("Bearer "), Some("Basic YTpi"), Some("Bearer")]
        {
            let headers: Vec<_> = authorization.iter().map(|value| ("Authorization", *value)).collect();
            let answer = admin.send(method, path, &headers, b"");
            answer.refused(401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        }
        assert_eq!(world.alice().send(method, path, &[], b"").status, 404, "users do not reach {path}");
    }
    admin.get("/admin/anything").refused(401);
    right.get("/admin/anything").refused(404);
    right.get("/admin/whois").refused(404);
    right.get(CAROL).refused(404);

    let neighbour =
        world.neighbour(1, Setting { member: Some(MemberConfig::default()), ..Setting::default() });
    for (method, path) in PATHS {
        neighbour.admin().send(method, path, &[("Authorization", "Bearer ")], b"").refused(403);
    }
}

#[test]
fn a_subject_gets_a_namespace_and_another() {
    let world = World::start();
    let admin = world.administrator();
    let first = admin.send("POST", CAROL, &[], b"").ok();
    assert_eq!((&first["subject"], &first["namespace"]), (&json!("carol"), &json!("carol")));
    let carol = world.user(&credentials(&first));
    assert_eq!(namespace_of(&carol), "carol");
    let given = "0a0b0c0d-1111-2222-3333-444455556666:0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";
    let second = admin.post(CAROL, &json!({"namespace": "team x", "credentials": given})).ok();
    assert_eq!(credentials(&second), given);
    let team = world.user(given);
    assert_eq!(namespace_of(&team), "team x");
    carol.put("actions/mine", &json!({"exec": {"kind": "nodejs:20", "code": "x"}})).ok();
    team.get("actions/mine").refused(404);
    team.get("/api/v1/namespaces/carol/actions/mine").refused(403);

    let whole = admin.get(CAROL).ok();
    let namespace = |name: &str, credentials: &str| {
        let uuid = credentials.split(':').next().unwrap();
        json!({"name": name, "uuid": uuid, "credentials": credentials})
    };
    let namespaces = json!([namespace("carol", &credentials(&first)), namespace("team x", given)]);
    assert_eq!(whole, json!({"subject": "carol", "blocked": false, "namespaces": namespaces}));
    for (body, status) in [
        (json!({}), 409),
        (json!({"namespace": "team x"}), 409),
        (json!({"namespace": "third", "credentials": given}), 409),
        (json!({"namespace": "third", "credentials": credentials(&first)}), 409),
        (json!({"namespace": "third", "credentials": "a:b"}), 400),
        (json!({"namespace": "th/ird"}), 400),
        (json!({"namespace": "_"}), 400),
        (json!({"namespaces": "third"}), 400),
        (json!([]), 400),
    ] {
        admin.post(CAROL, &body).refused(status);
    }
    assert_eq!(admin.get(CAROL).ok(), whole);

    let taken = admin.delete(&format!("{CAROL}?namespace=team%20x")).ok();
    assert_eq!(taken, whole, "it is answered as it was");
    assert_eq!(admin.get(CAROL).ok()["namespaces"].as_array().unwrap().len(), 1);
    team.get("/api/v1/namespaces").refused(401);
    assert_eq!(namespace_of(&carol), "carol");
    admin.delete(&format!("{CAROL}?namespace=team%20x")).refused(404);
    admin.delete(CAROL).ok();
    carol.get("/api/v1/namespaces").refused(401);
    admin.delete(CAROL).refused(404);
    admin.get(CAROL).refused(404);
}

#[test]
fn a_namespace_may_have_several_subjects_with_a_uuid_each() {
    let world = World::start();
    let admin = world.administrator();
    let keys = ["carol", "david"].map(|subject| {
        let made = admin.post(&format!("/admin/subjects/{subject}"), &json!({"namespace": "team"})).ok();
        credentials(&made)
    });
    assert_eq!(keys.each_ref().map(|key| namespace_of(&world.user(key))), ["team", "team"]);
    let (uuid, _) = keys[0].split_once(':').unwrap();
    let same_uuid = format!("{uuid}:{}", "x".repeat(64));
    admin.post("/admin/subjects/erica", &json!({"namespace": "team", "credentials": same_uuid})).refused(409);

    let holders = admin.get("/admin/namespaces/team/identities").ok();
    let expected: Vec<Value> = ["carol", "david"]
        .iter()
        .zip(&keys)
        .map(|(subject, key)| {
            let uuid = key.split(':').next().unwrap();
            json!({"subject": subject, "namespace": "team", "uuid": uuid, "credentials": key, "blocked": false})
        })
        .collect();
    assert_eq!(holders, Value::from(expected));
    assert_eq!(admin.get("/admin/namespaces/nobodys/identities").ok(), json!([]));
    let whois = |key: &str| admin.post("/admin/whois", &json!({"credentials": key}));
    assert_eq!(whois(&keys[1]).ok(), json!({"subject": "david", "namespace": "team"}));
    whois(&same_uuid).refused(404);
    whois("x").refused(400);
}

#[test]
fn a_blocked_subject_is_out_at_once_and_in_again_when_it_is_let() {
    let world = World::start();
    let admin = world.administrator();
    let key = credentials(&admin.send("POST", CAROL, &[], b"").ok());
    let carol = world.user(&key);
    assert_eq!(namespace_of(&carol), "carol");
    let block = |blocked: Value| admin.put("/admin/subjects/carol/blocked", &blocked);
    let uuid = key.split(':').next().unwrap();
    let answer = block(json!(true)).ok();
    let shown = json!({"subject": "carol", "blocked": true, "namespaces": [{"name": "carol", "uuid": uuid}]});
    assert_eq!(answer, shown, "without credentials");
    assert!(carol.get("/api/v1/namespaces").refused(401).contains("supplied authentication is invalid"));
    admin.post("/admin/whois", &json!({"credentials": key})).refused(404);
    assert_eq!(admin.get("/admin/namespaces/carol/identities").ok()[0]["blocked"], true);
    admin.post(CAROL, &json!({"namespace": "more"})).refused(409);
    block(json!(false)).ok();
    assert_eq!(namespace_of(&carol), "carol");
    for bad in [json!("true"), json!(1), json!({})] {
        block(bad).refused(400);
    }
    admin.put("/admin/subjects/nobody/blocked", &json!(true)).refused(404);
}

#[test]
fn other_controllers_hear_of_a_block() {
    let world = World::start_as(Setting { member: Some(MemberConfig::default()), ..Setting::default() });
    let neighbour =
        world.neighbour(1, Setting { member: Some(MemberConfig::default()), ..Setting::default() });
    neighbour.alice().get("/api/v1/namespaces").ok();
    world.administrator().put("/admin/subjects/alice-subject/blocked", &json!(true)).ok();
    neighbour.alice().get("/api/v1/namespaces").refused(401);
    world.administrator().put("/admin/subjects/alice-subject/blocked", &json!(false)).ok();
    neighbour.alice().get("/api/v1/namespaces").ok();
}

#[test]
fn bad_names_are_refused() {
    let world = World::start();
    let admin = world.administrator();
    for name in
        ["anna", "_design", "a%2Fb-c", "%00%00%00%00%00", "carol%20", "ca%ff%fe-rol", &"x".repeat(300)]
    {
        for method in ["POST", "GET", "DELETE"] {
            admin.send(method, &format!("/admin/subjects/{name}"), &[], b"").refused(400);
        }
    }
    for name in ["_", "a%2Fb", "%20", &"x".repeat(300)] {
        admin.get(&format!("/admin/namespaces/{name}/identities")).refused(400);
        admin.get(&format!("/admin/namespaces/{name}/limits")).refused(400);
    }
}

#[test]
fn a_disabled_controller_takes_nothing_new() {
    let world = World::start();
    world.has_action("hello");
    world.has_trigger("tick");
    let disabled = world.administrator().send("POST", "/disable", &[], b"");
    assert_eq!((disabled.status, disabled.text()), (200, "controller is disabled"));
    for path in ["actions/hello", "actions/hello?blocking=true", "triggers/tick"] {
        let refused = world.alice().post(path, &json!({}));
        assert!(refused.refused(503).contains("disabled"));
        assert!(refused.header("retry-after").is_some());
    }
    world.alice().get("actions/hello").ok();
    let ready = world.admin().get("/ready");
    assert_eq!(ready.status, 503);
    assert!(ready.json()["reasons"]["controller"].is_string());
}
