//! What an activation store has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whirl_model::{ActivationId, ActivationRecord, Json, Namespace, Outcome, Timestamp};

use super::{new_activation_id, new_namespace};
use crate::store::{ActivationQuery, ActivationStore, RecordForm, StoreError};

/// The record of a successful activation, with a result that every store gives back as it is.
fn record(namespace: &Namespace, name: &str, start: u64) -> ActivationRecord {
    let mut record = super::record(namespace, name, start);
    record.response.result = Some(Json::parse(r#"{"z":[1,null],"a":{"s":"<é>"},"f":0.5}"#).unwrap());
    record
}

/// Runs the suite.
pub async fn run(store: &dyn ActivationStore) {
    records_are_written_once(store).await;
    records_belong_to_their_namespace(store).await;
    lists_are_newest_first_and_filtered(store).await;
    pages_neither_lose_nor_repeat(store).await;
    lists_show_what_clients_get(store).await;
}

fn all_of(namespace: &Namespace) -> ActivationQuery {
    ActivationQuery { namespace: namespace.clone(), name: None, since: None, upto: None, skip: 0, limit: 100 }
}

/// The ids that a query finds, once there are so many: lists may be late.
async fn eventually(
    store: &dyn ActivationStore,
    query: &ActivationQuery,
    number: usize,
) -> Vec<ActivationId> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let ids = ids(store, query).await;
        if ids.len() == number && store.count(query).await.unwrap() == number as u64 {
            return ids;
        }
        assert!(Instant::now() < deadline, "{} records of {number}", ids.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ids(store: &dyn ActivationStore, query: &ActivationQuery) -> Vec<ActivationId> {
    let summaries = store.list(query, RecordForm::Summary).await.unwrap();
    summaries.iter().map(id_of).collect()
}

fn id_of(listed: &Json) -> ActivationId {
    listed.member("activationId").unwrap().to_text().unwrap().parse().unwrap()
}

async fn records_are_written_once(store: &dyn ActivationStore) {
    let namespace = new_namespace();
    let batch: Vec<_> = (0..100).map(|n| Arc::new(record(&namespace, "a", n))).collect();
    store.put_all(&batch).await.unwrap();
    store.put_all(&[]).await.unwrap();
    for one in [&batch[0], &batch[99]] {
        assert_eq!(store.get(&namespace, one.activation_id).await.unwrap(), **one);
    }

    let changed = Arc::new(ActivationRecord { subject: "someone else".to_owned(), ..(*batch[0]).clone() });
    let new = Arc::new(record(&namespace, "b", 0));
    store.put_all(&[changed, Arc::clone(&new), Arc::clone(&new)]).await.unwrap();
    assert_eq!(store.get(&namespace, batch[0].activation_id).await.unwrap(), *batch[0]);
    assert_eq!(store.get(&namespace, new.activation_id).await.unwrap(), *new);

    let [unknown, last, seventh] = [new_activation_id(), new.activation_id, batch[7].activation_id];
    let ids = [unknown, last, seventh].map(|id| (namespace.clone(), id));
    assert_eq!(store.existing(&ids).await.unwrap(), [last, seventh]);
    assert!(store.existing(&[]).await.unwrap().is_empty());
    eventually(store, &ActivationQuery { limit: 200, ..all_of(&namespace) }, 101).await;
}

async fn records_belong_to_their_namespace(store: &dyn ActivationStore) {
    let (mine, theirs) = (new_namespace(), new_namespace());
    let record = Arc::new(record(&mine, "a", 1));
    store.put_all(&[Arc::clone(&record)]).await.unwrap();
    let stolen = store.get(&theirs, record.activation_id).await;
    assert!(matches!(stolen, Err(StoreError::NotFound(_))), "{stolen:?}");
    let stolen = store.existing(&[(theirs.clone(), record.activation_id)]).await.unwrap();
    assert!(stolen.is_empty(), "{stolen:?}");
    assert!(ids(store, &all_of(&theirs)).await.is_empty());
    assert_eq!(store.count(&all_of(&theirs)).await.unwrap(), 0);
}

async fn lists_are_newest_first_and_filtered(store: &dyn ActivationStore) {
    let namespace = new_namespace();
    let packaged = |start| {
        let mut packaged = record(&namespace, "a", start);
        packaged.annotations.set("path", Json::of(&format!("{namespace}/pack/a")));
        packaged
    };
    let written = [
        record(&namespace, "a", 20),
        record(&namespace, "b", 25),
        packaged(10),
        record(&namespace, "a", 30),
        packaged(40),
    ];
    let known = written.each_ref().map(|r| r.activation_id);
    for one in written {
        store.put_all(&[Arc::new(one)]).await.unwrap();
    }
    eventually(store, &all_of(&namespace), 5).await;
    let listed = async |query: &ActivationQuery| -> Vec<usize> {
        let listed = ids(store, query).await;
        listed.iter().map(|id| known.iter().position(|known| known == id).unwrap()).collect()
    };
    let all = all_of(&namespace);
    let with = |name: Option<&str>, since: Option<u64>, upto: Option<u64>| ActivationQuery {
        name: name.map(str::to_owned),
        since: since.map(Timestamp),
        upto: upto.map(Timestamp),
        ..all.clone()
    };
    assert_eq!(listed(&all).await, [4, 3, 1, 0, 2]);
    assert_eq!(listed(&ActivationQuery { skip: 1, limit: 2, ..all.clone() }).await, [3, 1]);
    assert_eq!(listed(&ActivationQuery { skip: 5, ..all.clone() }).await, [0; 0]);
    for (query, expected) in [
        (with(Some("a"), None, None), &[3, 0][..]),
        (with(Some("pack/a"), None, None), &[4, 2]),
        (with(Some("pack/a"), None, Some(39)), &[2]),
        (with(Some("none"), None, None), &[]),
        (with(None, Some(20), Some(30)), &[3, 1, 0]),
        (with(None, Some(31), None), &[4]),
        (with(None, None, Some(10)), &[2]),
        (with(None, Some(30), Some(20)), &[]),
        (with(None, Some(u64::MAX), None), &[]),
        (with(None, Some(0), Some(u64::MAX)), &[4, 3, 1, 0, 2]),
    ] {
        assert_eq!(listed(&query).await, expected, "{query:?}");
        let counted = store.count(&ActivationQuery { skip: 1, limit: 0, ..query.clone() }).await.unwrap();
        assert_eq!(counted, expected.len() as u64, "{query:?}");
    }
}

async fn pages_neither_lose_nor_repeat(store: &dyn ActivationStore) {
    let namespace = new_namespace();
    let written: Vec<_> = (0..30).map(|n| Arc::new(record(&namespace, "a", 10 + n / 10))).collect();
    store.put_all(&written).await.unwrap();
    let all = eventually(store, &all_of(&namespace), 30).await;
    let mut paged = Vec::new();
    for skip in (0..30).step_by(7) {
        paged.extend(ids(store, &ActivationQuery { skip, limit: 7, ..all_of(&namespace) }).await);
    }
    assert_eq!(paged, all, "the order of those with the same start stays");
    assert_eq!(paged.iter().collect::<BTreeSet<_>>().len(), 30);
}

async fn lists_show_what_clients_get(store: &dyn ActivationStore) {
    let namespace = new_namespace();
    let ended = record(&namespace, "a", 20);
    let mut failed = ActivationRecord { cause: Some(ended.activation_id), ..record(&namespace, "a", 15) };
    failed.response.outcome = Outcome::DeveloperError;
    let fired = ActivationRecord { end: None, duration: None, ..record(&namespace, "t", 10) };
    let written = [ended, failed, fired].map(Arc::new);
    store.put_all(&written).await.unwrap();
    let query = all_of(&namespace);
    eventually(store, &query, 3).await;
    let [whole, summaries] = [RecordForm::Whole, RecordForm::Summary].map(|form| store.list(&query, form));
    assert_eq!(whole.await.unwrap(), written.each_ref().map(|record| record.to_json()));
    assert_eq!(summaries.await.unwrap(), written.each_ref().map(|record| record.to_summary()));
}
