//! The store on a real CouchDB: the contract, the layout that OpenWhisk has, and what happens while CouchDB is
//! away or answers badly.
//!
//! They run on what `WHIRL_TEST_COUCHDB_URL` (`http://USER:PASSWORD@HOST:PORT`) names, in databases of random
//! names. Where it is unset they say that they skip themselves; with `WHIRL_TEST_SERVERS=1` they fail.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod layout;
mod outages;
mod server;
mod subjects;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;
use server::Couchdb;
use whirl_backends::contract;
use whirl_backends::store::{ActivationQuery, Collection, EntityQuery, NewDocument, RecordForm, StoreError};
use whirl_model::{Action, ActionLimits, Code, Exec, Json, Kind, Parameters, Timestamp, Version};

/// An action of Node.js.
fn action(path: &str, updated: u64, code: &str) -> Action {
    Action {
        path: path.parse().unwrap(),
        version: Version::FIRST,
        publish: false,
        exec: Exec::Runtime { kind: Kind::new("nodejs:20"), code: Code::new(code), main: None },
        parameters: Parameters::default(),
        annotations: Parameters::default(),
        limits: ActionLimits::default(),
        updated: Timestamp(updated),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let Some(couchdb) = Couchdb::new() else { return };
    contract::store(&couchdb.stores().await).await;
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_writers_one_wins_each_round() {
    let Some(couchdb) = Couchdb::new() else { return };
    let (one, other) = (couchdb.stores().await.entities, couchdb.stores().await.entities);
    let mut revision = None;
    for round in 0..5 {
        let writes = (0..20).map(|n| {
            let store = if n % 2 == 0 { &one } else { &other };
            store.put(NewDocument::from(&action("alice/a", round, &format!("// {n}"))), revision.as_ref())
        });
        let (won, lost): (Vec<_>, Vec<_>) = join_all(writes).await.into_iter().partition(Result::is_ok);
        assert!(won.len() == 1, "{won:?}");
        assert!(lost.iter().all(|outcome| matches!(outcome, Err(StoreError::Conflict(_)))), "{lost:?}");
        revision = won.into_iter().find_map(Result::ok);
    }
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_are_written_and_listed_page_by_page() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.activations;
    let namespace = contract::new_namespace();
    // A hundred of each start, which is more than a page holds.
    let records: Vec<_> =
        (0..300).map(|n| Arc::new(contract::record(&namespace, "a", 1 + n / 100))).collect();
    store.put_all(&records).await.unwrap();
    store.put_all(&records).await.unwrap();
    let ids: HashSet<_> = records.iter().map(|record| record.activation_id).collect();
    let all = ActivationQuery {
        namespace: namespace.clone(),
        name: None,
        since: None,
        upto: None,
        skip: 0,
        limit: 1000,
    };
    assert_eq!(store.count(&all).await.unwrap(), 300);
    for form in [RecordForm::Summary, RecordForm::Whole] {
        let listed = store.list(&all, form).await.unwrap();
        let member = |record: &Json, key| record.member(key).unwrap().as_str().to_owned();
        assert!(listed.is_sorted_by_key(|record| Reverse(member(record, "start"))));
        let id = |record| member(record, "activationId").trim_matches('"').parse().unwrap();
        assert_eq!(listed.iter().map(id).collect::<HashSet<_>>(), ids);
        let part = ActivationQuery { skip: 70, limit: 180, ..all.clone() };
        assert_eq!(store.list(&part, form).await.unwrap(), listed[70..250]);
    }
    let whole_ids: Vec<_> = ids.iter().map(|id| (namespace.clone(), *id)).collect();
    assert_eq!(store.existing(&whole_ids).await.unwrap().len(), 300);
    couchdb.clean_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entities_are_listed_page_by_page() {
    let Some(couchdb) = Couchdb::new() else { return };
    let store = couchdb.stores().await.entities;
    for hundred in 0..6 {
        let writes = (0..100).map(|n| {
            store.put(NewDocument::from(&action(&format!("alice/a{hundred}-{n}"), hundred, "x")), None)
        });
        assert!(join_all(writes).await.iter().all(Result::is_ok));
    }
    let query = |skip, limit| EntityQuery {
        collection: Collection::Actions,
        shared: false,
        parent: "alice".to_owned(),
        skip,
        limit,
    };
    let listed = store.list(&query(0, u64::MAX)).await.unwrap();
    let names: HashSet<_> = listed.iter().map(|summary| summary.member("name").unwrap().to_text()).collect();
    assert_eq!((listed.len(), names.len()), (600, 600));
    assert_eq!(store.list(&query(30, 200)).await.unwrap(), listed[30..230]);
    assert_eq!(store.list(&query(590, 30)).await.unwrap(), listed[590..]);
    couchdb.clean_up().await;
}
