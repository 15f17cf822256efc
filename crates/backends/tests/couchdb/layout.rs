//! What is stored looks as OpenWhisk has it, and what OpenWhisk wrote can be read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::TryStreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use whirl_backends::store::{
    ActivationQuery, Claim, Claiming, Collection, EntityQuery, EntityStore, NewDocument, RecordForm,
};
use whirl_backends::{CouchdbStore, contract};
use whirl_model::{Action, ActionLimits, ActivationRecord, ControllerId, DocId, Json, Timestamp};

use crate::action;
use crate::server::Couchdb;

async fn code(store: &dyn EntityStore, id: &str) -> Bytes {
    let id = DocId::from(id);
    let document = store.get(&id).await.unwrap();
    let pieces = store.attachment(&id, &document.revision).await.unwrap();
    let code = Bytes::from(pieces.try_collect::<Vec<_>>().await.unwrap().concat());
    assert_eq!(document.attachment_size, Some(code.len() as u64));
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_look_as_openwhisk_writes_them() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.entities;
    let small = action("alice/util/small", 7, "function main(){}");
    store.put(NewDocument::from(&small), None).await.unwrap();
    let mut stored = couchdb.read("whisks/alice%2Futil%2Fsmall").await;
    assert!(stored["_rev"].take().as_str().unwrap().starts_with("1-"));
    assert!(stored["exec"]["code"]["digest"].take().as_str().unwrap().starts_with("sha256-"));
    let expected = json!({
        "_id": "alice/util/small", "_rev": null, "entityType": "action",
        "namespace": "alice/util", "name": "small", "version": "0.0.1", "publish": false,
        "exec": {"kind": "nodejs:20", "binary": false, "code": {
            "attachmentName": "mem:ZnVuY3Rpb24gbWFpbigpe30=",
            "attachmentType": "text/plain; charset=UTF-8", "length": 17, "digest": null,
        }},
        "parameters": [], "annotations": [], "updated": 7,
        "limits": {"timeout": 60000, "memory": 256, "logs": 10, "concurrency": 1},
    });
    assert_eq!(stored, expected);

    let zip: Bytes = (0..5_000_000u32).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect();
    let large = action("alice/large", 8, &STANDARD.encode(&zip));
    let revision = store.put(NewDocument::from(&large), None).await.unwrap();
    let stored = couchdb.read("whisks/alice%2Flarge").await;
    assert_eq!(stored["_rev"], revision.as_str());
    let reference = &stored["exec"]["code"];
    let name = reference["attachmentName"].as_str().unwrap().strip_prefix("couch:").unwrap();
    let stub = &stored["_attachments"][name];
    for attachment_type in [&reference["attachmentType"], &stub["content_type"]] {
        assert_eq!(attachment_type, "application/octet-stream");
    }
    assert_eq!((&reference["length"], &stub["length"]), (&json!(zip.len()), &json!(zip.len())));
    let read = code(&*store, "alice/large").await;
    let document = store.get(&large.doc_id()).await.unwrap();
    let read = Action::from_document(&document.body, std::str::from_utf8(&read).ok()).unwrap();
    assert!(read == large);
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_that_openwhisk_wrote_are_read() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.entities;
    let document = |name: &str, exec: Value| {
        json!({
            "_id": format!("alice/{name}"), "entityType": "action", "namespace": "alice", "name": name,
            "version": "0.0.3", "publish": false, "exec": exec, "updated": 1,
            "parameters": [{"key": "who", "value": "you"}], "annotations": [{"key": "exec", "value": "x"}],
            "limits": {"timeout": 60000, "memory": 512},
        })
    };
    let reference = |name: &str, of: &str| json!({"attachmentName": name, "attachmentType": of});
    let with = |mut document: Value, name: &str, of: &str, bytes: &[u8]| {
        document["_attachments"] = json!({name: {"content_type": of, "data": STANDARD.encode(bytes)}});
        document
    };
    let (text, bytes) = ("text/plain; charset=UTF-8", "application/octet-stream");
    let of = |kind: &str, binary: bool, code: Value| json!({"kind": kind, "binary": binary, "code": code});
    let scheme = reference("couch:0a0b0c0d-1111-2222-3333-444455556666", bytes);
    let documents = [
        document("inline", of("blackbox", false, json!("plain"))),
        document("memory", of("nodejs:20", false, reference("mem:aGVsbG8", text))),
        document("zip", of("nodejs:20", true, reference("mem:AAEC", bytes))),
        with(
            document("old", of("nodejs:6", false, reference("codefile", text))),
            "codefile",
            text,
            b"of old",
        ),
        with(
            document("uuid", of("nodejs:20", true, scheme)),
            "0a0b0c0d-1111-2222-3333-444455556666",
            bytes,
            &[9; 3],
        ),
        with(
            document("java", json!({"kind": "java", "main": "A", "jar": reference("jarfile", bytes)})),
            "jarfile",
            bytes,
            &[1, 2, 3],
        ),
    ];
    for document in documents {
        let path = format!("whisks/alice%2F{}", document["name"].as_str().unwrap());
        couchdb.write(&path, document).await;
    }
    for (name, expected) in [
        ("inline", "plain"),
        ("memory", "hello"),
        ("zip", "AAEC"),
        ("old", "of old"),
        ("uuid", "CQkJ"),
        ("java", "AQID"),
    ] {
        assert_eq!(code(&*store, &format!("alice/{name}")).await, expected, "{name}");
    }
    let read = store.get(&DocId::from("alice/zip")).await.unwrap();
    let action = Action::from_document(&read.body, Some("AAEC")).unwrap();
    assert!(action.exec.is_binary() && action.version.to_string() == "0.0.3");
    assert_eq!(action.limits, ActionLimits { memory: 512, ..ActionLimits::default() });
    let query = EntityQuery {
        collection: Collection::Actions,
        shared: false,
        parent: "alice".to_owned(),
        skip: 0,
        limit: 30,
    };
    assert_eq!(store.list(&query).await.unwrap().len(), 6);
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_look_as_openwhisk_writes_them() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.activations;
    let fire = ActivationRecord {
        end: None,
        duration: None,
        ..contract::record(&"alice".parse().unwrap(), "trigger", 5)
    };
    store.put_all(&[Arc::new(fire.clone())]).await.unwrap();
    let stored = couchdb.read(&format!("activations/alice%2F{}", fire.activation_id)).await;
    assert_eq!((&stored["entityType"], &stored["end"]), (&json!("activation"), &json!(0)));
    assert_eq!((&stored["response"]["statusCode"], &stored["start"]), (&json!(0), &json!(5)));
    assert!(stored["response"].get("success").is_none());

    let id = "0123456789abcdef0123456789abcdef";
    let path = format!("activations/alice%2F{id}");
    let written = json!({
        "_id": format!("alice/{id}"), "entityType": "activation", "activationId": id,
        "namespace": "alice", "name": "hello", "version": "0.0.1", "subject": "alice-01", "publish": false,
        "start": 10, "end": 12, "duration": 2, "response": {"statusCode": 2, "result": {"error": "x"}},
        "logs": [], "annotations": [{"key": "path", "value": "bob/util/hello"}], "updated": 12,
    });
    couchdb.write(&path, written).await;
    let alice = "alice".parse().unwrap();
    let query = ActivationQuery {
        namespace: alice,
        name: Some("util/hello".to_owned()),
        since: None,
        upto: None,
        skip: 0,
        limit: 3,
    };
    let listed = store.list(&query, RecordForm::Whole).await.unwrap();
    assert_eq!(listed.len(), 1);
    let response = listed[0].member("response").unwrap();
    assert_eq!(response.member("result"), Some(Json::error("x")));
    assert_eq!(response.member("status"), Some(Json::of("action developer error")));

    // The summaries that are read from the views are those that a record itself would give.
    let theirs = store.get(&query.namespace, id.parse().unwrap()).await.unwrap();
    let all = ActivationQuery { name: None, ..query };
    let summaries = store.list(&all, RecordForm::Summary).await.unwrap();
    assert_eq!(summaries, [theirs.to_summary(), fire.to_summary()]);
    let whole = store.list(&all, RecordForm::Whole).await.unwrap();
    assert_eq!(whole[0], theirs.to_json());
    assert_eq!(whole[1].member("end"), None);
    couchdb.clean_up().await;
}

/// Servers that stand in for CouchDB may take it as it is; what is stored has to be what CouchDB itself takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_couchdb_does_not_take_is_stored_as_what_it_does() {
    let Some(couchdb) = Couchdb::new() else { return };
    let stores = couchdb.stores().await;
    let odd = r#"{"\ud83d":"\ude00 and \ud83d\ude00","n":[1e999,-1e999]}"#;
    let taken = json!({"\u{fffd}": "\u{fffd} and \u{1f600}", "n": [f64::MAX, f64::MIN]});
    let mut record = contract::record(&"alice".parse().unwrap(), "a", 5);
    record.response.result = Some(Json::parse(odd).unwrap());
    stores.activations.put_all(&[Arc::new(record.clone())]).await.unwrap();
    let stored = couchdb.read(&format!("activations/alice%2F{}", record.activation_id)).await;
    assert_eq!(stored["response"]["result"], taken);
    let read = stores.activations.get(&record.namespace, record.activation_id).await.unwrap();
    assert_eq!((read.response.outcome, read.annotations), (record.response.outcome, record.annotations));

    let mut action = action("alice/odd", 7, "code");
    action.parameters.set("p", Json::parse(odd).unwrap());
    stores.entities.put(NewDocument::from(&action), None).await.unwrap();
    let stored = couchdb.read("whisks/alice%2Fodd").await;
    assert_eq!(stored["parameters"], json!([{"key": "p", "value": taken}]));
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_view_shows_claims_on_idempotency_keys() {
    let Some(couchdb) = Couchdb::new() else { return };
    let stores = couchdb.stores().await;
    let claim = Claim {
        activation: contract::new_activation_id(),
        fingerprint: "f".to_owned(),
        by: ControllerId(1),
        made: Timestamp(1),
        expires: Timestamp(100),
        accepted: true,
    };
    let claimed = stores.claims.claim(&"alice".parse().unwrap(), "k", &claim, None).await.unwrap();
    assert_eq!(claimed, Claiming::Claimed);
    let stored = couchdb.read("activations/whirl.claim%2Falice%2Fk").await;
    assert_eq!((&stored["entityType"], &stored["claim"]["accepted"]), (&json!("claim"), &json!(true)));
    for view in [
        "whisks.v2.1.0/_view/activations?reduce=false",
        "whisks-filters.v2.1.1/_view/activations?reduce=false",
        "activations/_view/byDate",
        "logCleanup/_view/byDateWithLogs",
    ] {
        let shown = couchdb.read(&format!("activations/_design/{view}")).await;
        assert_eq!(shown["rows"], json!([]), "{view}");
    }
    // The sweep takes expired claims alone, and no records.
    let record = Arc::new(contract::record(&"alice".parse().unwrap(), "a", 1));
    stores.activations.put_all(&[Arc::clone(&record)]).await.unwrap();
    stores.claims.sweep(Timestamp(100)).await.unwrap();
    assert_eq!(
        couchdb.read("activations/_all_docs?startkey=%22whirl.%22&endkey=%22whirl.z%22").await["rows"],
        json!([])
    );
    stores.activations.get(&record.namespace, record.activation_id).await.unwrap();
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_others_are_left_alone() {
    let Some(couchdb) = Couchdb::new() else { return };
    drop(couchdb.stores().await);
    let ours = "whisks/_design/whisks.v2.1.0";
    let before = couchdb.read(ours).await;
    let mut changed = before.clone();
    changed["views"].as_object_mut().unwrap().remove("rules").unwrap();
    let theirs = "function (doc) { emit([doc.namespace, doc.updated], 0); }";
    changed["views"]["triggers"]["map"] = json!(theirs);
    couchdb.write(ours, changed).await;
    let newer = "whisks/_design/whisks.v9.0.0";
    couchdb.write(newer, json!({"_id": "_design/whisks.v9.0.0", "views": {"x": {"map": theirs}}})).await;
    let untouched = couchdb.read(newer).await;

    // All at once, as the processes of a cluster start.
    let connect = || CouchdbStore::connect(&couchdb.config);
    let (one, two, three) = tokio::join!(connect(), connect(), connect());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    let after = couchdb.read(ours).await;
    assert_eq!(after["views"]["rules"], before["views"]["rules"]);
    assert_eq!(after["views"]["triggers"]["map"], theirs);
    assert_eq!(couchdb.read(newer).await, untouched);
    connect().await.unwrap();
    assert_eq!(couchdb.read(ours).await["_rev"], after["_rev"]);
    couchdb.clean_up().await;
}
