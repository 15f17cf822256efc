//! The embedded store: the contract, and what is its own (the file, the disk, the process).

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::TryStreamExt;
use parking_lot::Mutex;
use rusqlite::Connection;
use whirl_model::{DocId, Json, Namespace, Timestamp};

use super::*;
use crate::contract;
use crate::store::{ActivationQuery, Collection, EntityQuery, EntityStore, NewDocument};

fn document(name: &str, size: usize) -> NewDocument {
    NewDocument {
        id: DocId::from(format!("guest/{name}").as_str()),
        collection: Collection::Actions,
        parent: "guest".to_owned(),
        updated: Timestamp(1),
        body: Json::of(name),
        summary: Json::of(name),
        attachment: Some(vec![b'x'; size].into()),
    }
}

#[tokio::test]
async fn keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(&dir.path().join("whirl.db")).unwrap();
    contract::store(&store.stores()).await;
}

#[tokio::test]
async fn keeps_numbers_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let stores = EmbeddedStore::open(&dir.path().join("whirl.db")).unwrap().stores();
    let record = Arc::new(contract::record(&contract::new_namespace(), "a", 1));
    assert!(record.response.result.as_ref().unwrap().as_str().contains("123456789012345678901234567890"));
    stores.activations.put_all(&[Arc::clone(&record)]).await.unwrap();
    let read = stores.activations.get(&record.namespace, record.activation_id).await.unwrap();
    assert_eq!(read.response, record.response);
    let body = Json::parse(r#"{"n":12345678901234567890.0}"#).unwrap();
    let new = NewDocument { body: body.clone(), ..document("a", 1) };
    stores.entities.put(new.clone(), None).await.unwrap();
    assert_eq!(stores.entities.get(&new.id).await.unwrap().body, body);
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_has_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whirl.db");
    let store = EmbeddedStore::open(&path).unwrap();
    let stores = store.stores();
    let revision = stores.entities.put(document("a", 1), None).await.unwrap();
    let refused = EmbeddedStore::open(&path).map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");

    store.close();
    let closed = stores.entities.get(&document("a", 1).id).await.unwrap_err();
    assert!(closed.is_retryable(), "{closed}");
    assert!(!dir.path().join("whirl.db-wal").exists(), "the log was folded into the database");
    drop((store, stores));

    let again = EmbeddedStore::open(&path).unwrap().stores();
    assert_eq!(again.entities.get(&document("a", 1).id).await.unwrap().revision, revision);
}

#[test]
fn a_newer_or_foreign_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whirl.db");
    drop(EmbeddedStore::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = EmbeddedStore::open(&path).map(drop).unwrap_err();
    let StoreError::Corrupt { source, .. } = newer else { panic!("{newer}") };
    assert!(source.to_string().contains("schema version 99"), "{source}");

    let foreign = dir.path().join("foreign.db");
    std::fs::write(&foreign, [b'x'; 5000]).unwrap();
    let refused = EmbeddedStore::open(&foreign).map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(&dir.path().join("whirl.db")).unwrap();
    let limit = |pages: i64| {
        store.writer.write("set a limit", move |c: &Connection| {
            Ok(c.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
        })
    };
    limit(100).await.unwrap();
    // All are sent while the writer waits, so that they share a commit.
    let (open_gate, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let wait = store.writer.write("wait", move |_| Ok(gate.lock().recv().is_err()));
    let writes = [("a", 1), ("large", 1 << 20), ("b", 1)].map(|(name, size)| document(name, size));
    let writes = join_all(writes.into_iter().map(|new| store.put(new, None)));
    let open = async { drop(open_gate) };
    let (_, outcomes, ()) = tokio::join!(biased; wait, writes, open);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert!(outcomes[1].as_ref().is_err_and(StoreError::is_retryable), "{outcomes:?}");

    limit(1 << 30).await.unwrap();
    store.put(document("large", 1 << 20), None).await.unwrap();
}

#[test]
fn lists_and_counts_use_indices() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whirl.db");
    let _store = EmbeddedStore::open(&path).unwrap();
    let connection = schema::open_for_reading(&path).unwrap();
    let plan = |sql: String| -> String {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(step) = rows.next().unwrap() {
            plan += &step.get::<_, String>("detail").unwrap();
        }
        plan
    };
    let entities = |parent: &str| EntityQuery {
        collection: Collection::Actions,
        shared: false,
        parent: parent.to_owned(),
        skip: 0,
        limit: 1,
    };
    let namespace: Namespace = "guest".parse().unwrap();
    let activations = |name: Option<&str>| ActivationQuery {
        namespace: namespace.clone(),
        name: name.map(str::to_owned),
        since: None,
        upto: None,
        skip: 0,
        limit: 1,
    };
    for (list, count) in [
        (entities::list_sql(&entities("guest")), entities::count_sql(&entities("guest"))),
        (entities::list_sql(&entities("guest/p")), entities::count_sql(&entities("guest/p"))),
        (activations::list_sql(&activations(None)), activations::count_sql(&activations(None))),
        (activations::list_sql(&activations(Some("a"))), activations::count_sql(&activations(Some("a")))),
    ] {
        let (list, count) = (plan(list), plan(count));
        for plan in [list, count] {
            assert!(plan.contains("USING COVERING INDEX"), "{plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}

const CHILD_DATABASE: &str = "WHIRL_TEST_CHILD_DATABASE";
const CHILD_BYTES: usize = 300_000;

/// Run by itself with the variable set, this test is the child: it writes until it is killed.
#[test]
fn what_was_answered_survives_a_kill() {
    if let Some(path) = std::env::var_os(CHILD_DATABASE) {
        write_forever(Path::new(&path));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whirl.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::tests::what_was_answered_survives_a_kill", "--nocapture"])
        .env(CHILD_DATABASE, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut answered = Vec::new();
    for name in lines.filter_map(|line| line.strip_prefix("written ").map(str::to_owned)) {
        answered.push(name);
        if answered.len() == 10 {
            assert!(EmbeddedStore::open(&path).is_err(), "the child has it");
        }
        if answered.len() >= 20 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(answered.len() >= 20);

    let store = EmbeddedStore::open(&path).unwrap().stores();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let query = EntityQuery {
            collection: Collection::Actions,
            shared: false,
            parent: "guest".to_owned(),
            skip: 0,
            limit: 1000,
        };
        let listed: Vec<String> =
            store.entities.list(&query).await.unwrap().iter().map(|s| s.to_text().unwrap()).collect();
        assert!(answered.iter().all(|name| listed.contains(name)), "{answered:?} {listed:?}");
        for name in listed {
            let id = document(&name, 0).id;
            let revision = store.entities.get(&id).await.unwrap().revision;
            let pieces: Vec<Bytes> =
                store.entities.attachment(&id, &revision).await.unwrap().try_collect().await.unwrap();
            assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), CHILD_BYTES);
        }
    });
}

fn write_forever(path: &Path) -> ! {
    let store = EmbeddedStore::open(path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut number = 0;
    loop {
        let name = format!("action{number}");
        runtime.block_on(store.put(document(&name, CHILD_BYTES), None)).unwrap();
        println!("\nwritten {name}");
        number += 1;
    }
}
