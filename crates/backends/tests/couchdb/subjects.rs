//! Subjects as OpenWhisk writes them, with keys in clear, and what becomes of them.

use serde_json::json;
use whirl_backends::contract;
use whirl_backends::store::{Clear, ClearSubject, StoreError};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{KeyHash, NamespaceLimits, SealedKey};

use crate::server::Couchdb;

const UUID: &str = "0a0b0c0d-1111-2222-3333-444455556666";
const OTHER_UUID: &str = "0a0b0c0d-1111-2222-3333-444455557777";

fn sealed(clear: &ClearSubject) -> Vec<SubjectNamespace> {
    let seal = |hash: String, namespace: &whirl_backends::store::ClearNamespace| SubjectNamespace {
        name: namespace.name.clone(),
        uuid: namespace.credentials.uuid().to_owned(),
        sealed_key: SealedKey::from_text("sealed"),
        key_hash: KeyHash::from_hex(hash),
    };
    clear.namespaces.iter().map(|n| seal(format!("{:064x}", contract::random()), n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_in_clear_are_found_and_sealed() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.subjects;
    let (key, other_key) = ("k".repeat(64), "o".repeat(64));
    let document = json!({
        "_id": "alice-01", "subject": "alice-01", "comment": "stays",
        "namespaces": [
            {"name": "alice-01", "uuid": UUID, "key": key},
            {"name": "team-x", "uuid": OTHER_UUID, "key": other_key},
            {"name": "broken", "uuid": "no uuid", "key": "short"},
            // Called as another's UUID, which is in the same view.
            {"name": OTHER_UUID, "uuid": "0a0b0c0d-1111-2222-3333-444455558888", "key": "k".repeat(64)},
        ],
    });
    couchdb.write("subjects/alice-01", document).await;
    assert!(store.in_clear(Clear::Uuid("0a0b0c0d-1111-2222-3333-444455559999")).await.unwrap().is_none());
    assert!(store.get("alice-01").await.unwrap().namespaces.is_empty());

    let clear = store.in_clear(Clear::Uuid(OTHER_UUID)).await.unwrap().unwrap();
    assert_eq!((clear.subject.as_str(), clear.namespaces.len()), ("alice-01", 3));
    assert_eq!(clear.namespaces[1].credentials.reveal(), format!("{OTHER_UUID}:{other_key}"));
    let (team, nobodys) = ("team-x".parse().unwrap(), "nobodys".parse().unwrap());
    assert!(store.by_namespace(&team).await.unwrap().is_none());
    for sought in [Clear::Namespace(&team), Clear::Subject("alice-01")] {
        assert_eq!(store.in_clear(sought).await.unwrap().unwrap().subject, "alice-01");
    }
    for unknown in [Clear::Namespace(&nobodys), Clear::Subject("nobody")] {
        assert!(store.in_clear(unknown).await.unwrap().is_none());
    }
    let sealed = sealed(&clear);
    store.seal(&clear, &sealed).await.unwrap();
    let again = store.seal(&clear, &sealed).await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict(_)), "{again:?}");

    let stored = couchdb.read("subjects/alice-01").await;
    assert_eq!(stored["comment"], "stays");
    assert!(!stored.to_string().contains(&key) && !stored.to_string().contains(&other_key), "{stored}");
    assert_eq!(
        stored["namespaces"][0],
        json!({"name": "alice-01", "uuid": UUID, "keyHash": sealed[0].key_hash, "sealedKey": "sealed"})
    );
    assert_eq!(stored["namespaces"][2]["key"], "short");
    assert!(store.in_clear(Clear::Uuid(UUID)).await.unwrap().is_none());
    let caller = store.by_key(&sealed[1].key_hash).await.unwrap().unwrap().caller;
    assert_eq!((caller.subject.as_str(), caller.namespace.as_str()), ("alice-01", "team-x"));

    let subject = store.get("alice-01").await.unwrap();
    assert_eq!(subject.namespaces, sealed);
    store.put(&subject, Some(&subject)).await.unwrap();
    assert!(store.in_clear(Clear::Namespace(&team)).await.unwrap().is_none());
    let stored = couchdb.read("subjects/alice-01").await;
    assert_eq!((&stored["namespaces"][3]["key"], &stored["comment"]), (&json!("short"), &json!("stays")));
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_subject_has_no_keys() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.subjects;
    let mut document = json!({
        "_id": "bobby", "subject": "bobby",
        "namespaces": [{"name": "bobby", "uuid": UUID, "key": "k".repeat(64)}],
    });
    let revision = couchdb.write("subjects/bobby", document.clone()).await;
    let clear = store.in_clear(Clear::Uuid(UUID)).await.unwrap().unwrap();
    document["_rev"] = json!(revision);
    document["blocked"] = json!(true);
    couchdb.write("subjects/bobby", document).await;
    assert!(store.in_clear(Clear::Uuid(UUID)).await.unwrap().is_none());
    assert!(store.in_clear(Clear::Namespace(&"bobby".parse().unwrap())).await.unwrap().is_none());
    assert!(store.in_clear(Clear::Subject("bobby")).await.unwrap().is_some(), "for administrators");
    // Who read it before it was blocked does not unblock it.
    assert!(matches!(store.seal(&clear, &sealed(&clear)).await, Err(StoreError::Conflict(_))));
    assert!(store.get("bobby").await.unwrap().blocked);

    let blocked = couchdb.read("subjects/_design/namespaceThrottlings/_view/blockedNamespaces").await;
    assert_eq!(blocked["rows"][0]["value"], 1);
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_two_subjects_is_nobodys() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.subjects;
    let hash = KeyHash::from_hex(format!("{:064x}", contract::random()));
    for name in ["carol", "david"] {
        let document = json!({
            "_id": name, "subject": name,
            "namespaces": [{"name": name, "uuid": UUID, "keyHash": hash, "sealedKey": "x"}],
        });
        couchdb.write(&format!("subjects/{name}"), document).await;
    }
    assert!(matches!(store.by_key(&hash).await, Err(StoreError::Corrupt { .. })));
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_openwhisk_wrote_are_read_and_others_count_as_none() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.subjects;
    let hash = KeyHash::from_hex(format!("{:064x}", contract::random()));
    let document = json!({
        "_id": "erica", "subject": "erica",
        "namespaces": [{"name": "erica", "uuid": UUID, "keyHash": hash, "sealedKey": "x"}],
    });
    couchdb.write("subjects/erica", document).await;
    let namespace = "erica".parse().unwrap();
    let limits = json!({
        "_id": "erica/limits", "concurrentInvocations": 0, "maxParameterSize": "2 MB",
        "allowedKinds": ["nodejs:20"], "storeActivations": false, "someday": {"new": 1},
    });
    let mut revision = couchdb.write("subjects/erica%2Flimits", limits).await;
    let known = store.by_key(&hash).await.unwrap().unwrap().limits;
    assert_eq!((known.concurrent_invocations, known.store_activations), (Some(0), Some(false)));
    assert_eq!(known.max_parameter_size.unwrap().as_bytes(), 2 << 20);
    assert_eq!(store.by_namespace(&namespace).await.unwrap().unwrap().limits, known);
    let blocked = couchdb.read("subjects/_design/namespaceThrottlings/_view/blockedNamespaces").await;
    assert_eq!(blocked["rows"][0]["value"], 1);

    for unreadable in [json!("many"), json!(-1), json!(1.5)] {
        let document = json!({"_rev": revision, "invocationsPerMinute": unreadable, "firesPerMinute": 7});
        revision = couchdb.write("subjects/erica%2Flimits", document).await;
        assert_eq!(store.by_key(&hash).await.unwrap().unwrap().limits, NamespaceLimits::default());
        assert!(matches!(store.limits(&namespace).await, Err(StoreError::Corrupt { .. })));
    }
    store.put_limits(&namespace, &known).await.unwrap();
    let stored = couchdb.read("subjects/erica%2Flimits").await;
    assert_eq!((&stored["concurrentInvocations"], &stored["firesPerMinute"]), (&json!(0), &json!(null)));
    couchdb.clean_up().await;
}
