//! What an activation store has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::sync::Arc;

use whirl_model::{ActivationRecord, Json, Namespace, Timestamp};

use super::{new_activation_id, new_namespace, record};
use crate::store::{ActivationQuery, ActivationStore, StoreError};

/// Runs the suite.
pub async fn run(store: &dyn ActivationStore) {
    records_are_written_once(store).await;
    records_belong_to_their_namespace(store).await;
    lists_are_newest_first_and_filtered(store).await;
}

fn all_of(namespace: &Namespace) -> ActivationQuery {
    ActivationQuery { namespace: namespace.clone(), name: None, since: None, upto: None, skip: 0, limit: 100 }
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

    let ids = [new_activation_id(), new.activation_id, batch[7].activation_id];
    assert_eq!(store.existing(&ids).await.unwrap(), ids[1..]);
    assert_eq!(store.count(&all_of(&namespace)).await.unwrap(), 101);
}

async fn records_belong_to_their_namespace(store: &dyn ActivationStore) {
    let (mine, theirs) = (new_namespace(), new_namespace());
    let record = Arc::new(record(&mine, "a", 1));
    store.put_all(&[Arc::clone(&record)]).await.unwrap();
    let stolen = store.get(&theirs, record.activation_id).await;
    assert!(matches!(stolen, Err(StoreError::NotFound(_))), "{stolen:?}");
    assert!(store.list(&all_of(&theirs)).await.unwrap().is_empty());
    assert_eq!(store.count(&all_of(&theirs)).await.unwrap(), 0);
}

async fn lists_are_newest_first_and_filtered(store: &dyn ActivationStore) {
    let namespace = new_namespace();
    let packaged = |start| {
        let mut packaged = record(&namespace, "a", start);
        packaged.annotations.set("path", Json::of(&format!("{namespace}/pack/a")));
        packaged
    };
    // Of those with the same start the later written comes first.
    let written = [
        record(&namespace, "a", 20),
        record(&namespace, "b", 30),
        packaged(10),
        record(&namespace, "a", 30),
        packaged(40),
    ];
    let ids = written.each_ref().map(|r| r.activation_id);
    for one in written {
        store.put_all(&[Arc::new(one)]).await.unwrap();
    }
    let listed = async |query: &ActivationQuery| -> Vec<usize> {
        let records = store.list(query).await.unwrap();
        records.iter().map(|r| ids.iter().position(|id| *id == r.activation_id).unwrap()).collect()
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
