//! What an entity store has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use bytes::{Bytes, BytesMut};
use futures::future::join_all;
use futures::stream::TryStreamExt;
use whirl_model::{
    Action, ActionLimits, DocId, Exec, Json, Package, Parameters, Revision, Timestamp, Version,
};

use super::new_namespace;
use crate::store::{Collection, EntityQuery, EntityStore, NewDocument, StoreError};

const LARGEST_PIECE: usize = 256 << 10;

/// Runs the suite.
pub async fn run(store: &dyn EntityStore) {
    documents_are_revisioned(store).await;
    stale_writers_are_refused(store).await;
    of_concurrent_writers_one_wins(store).await;
    a_document_created_again_is_another(store).await;
    lists_are_newest_first(store).await;
    lists_follow_packages(store).await;
    shared_packages_are_listed_apart(store).await;
    attachments_come_back_whole(store).await;
    attachments_belong_to_a_revision(store).await;
}

fn document(parent: &str, name: &str, updated: u64) -> NewDocument {
    let action = Action {
        path: format!("{parent}/{name}").parse().unwrap(),
        version: Version::FIRST,
        publish: false,
        exec: Exec::Blackbox { image: "me/mine:1".parse().unwrap(), code: None, main: Some("x".to_owned()) },
        parameters: serde_json::from_str(r#"[{"key":"z","value":{"b":[1,null],"a":"<é>"}}]"#).unwrap(),
        annotations: serde_json::from_str(r#"[{"key":"exec","value":"blackbox"}]"#).unwrap(),
        limits: ActionLimits::default(),
        updated: Timestamp(updated),
    };
    NewDocument::from(&action)
}

fn trigger(parent: &str, name: &str, updated: u64) -> NewDocument {
    let summary = format!(
        r#"{{"namespace":"{parent}","name":"{name}","version":"0.0.1","publish":false,"annotations":[],"updated":{updated}}}"#
    );
    let summary = Json::parse(&summary).unwrap();
    let collection = Collection::Triggers;
    NewDocument { collection, body: summary.clone(), summary, ..document(parent, name, updated) }
}

fn is_conflict<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Conflict(_)))
}

fn is_missing<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::NotFound(_)))
}

async fn documents_are_revisioned(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    let new = document(&parent, "a", 1);
    assert!(is_missing(&store.get(&new.id).await));

    let first = store.put(new.clone(), None).await.unwrap();
    let read = store.get(&new.id).await.unwrap();
    assert_eq!((read.revision, read.collection, read.body), (first.clone(), new.collection, new.body));
    assert_eq!(read.attachment_size, None);

    let changed = trigger(&parent, "a", 2);
    let second = store.put(changed.clone(), Some(&first)).await.unwrap();
    let read = store.get(&new.id).await.unwrap();
    assert_eq!((&read.revision, read.collection, read.body), (&second, Collection::Triggers, changed.body));
    let [present, unknown] = [&changed.id, &DocId::from(format!("{parent}/unknown").as_str())];
    let found = store.get_all(&[unknown.clone(), present.clone(), present.clone()]).await.unwrap();
    assert!(found.len() == 1 && found[0].id == *present && found[0].revision == second, "{found:?}");
    assert!(first.as_str().starts_with("1-") && second.as_str().starts_with("2-"), "{first} {second}");

    store.delete(&new.id, &second).await.unwrap();
    assert!(is_missing(&store.get(&new.id).await));
    assert!(is_missing(&store.delete(&new.id, &second).await));
}

async fn stale_writers_are_refused(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    let new = || document(&parent, "a", 1);
    let first = store.put(new(), None).await.unwrap();
    assert!(is_conflict(&store.put(new(), None).await), "created over what is there");
    let second = store.put(new(), Some(&first)).await.unwrap();
    assert!(is_conflict(&store.put(new(), Some(&first)).await), "written over a newer state");
    assert!(is_conflict(&store.delete(&new().id, &first).await), "deleted a newer state");
    assert_eq!(store.get(&new().id).await.unwrap().revision, second);
}

async fn of_concurrent_writers_one_wins(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    let write = |expected: Option<Revision>| {
        let parent = &parent;
        join_all((0..8).map(move |_| {
            let expected = expected.clone();
            async move { store.put(document(parent, "a", 1), expected.as_ref()).await }
        }))
    };
    let created = write(None).await;
    assert_eq!(created.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{created:?}");
    let revision = created.into_iter().find_map(Result::ok);
    let updated = write(revision).await;
    assert_eq!(updated.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{updated:?}");
    assert!(updated.iter().all(|outcome| outcome.is_ok() || is_conflict(outcome)), "{updated:?}");
}

async fn a_document_created_again_is_another(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    let new = || document(&parent, "a", 1);
    let first = store.put(new(), None).await.unwrap();
    store.delete(&new().id, &first).await.unwrap();
    assert!(is_conflict(&store.put(new(), Some(&first)).await), "changed what is deleted");
    let again = store.put(new(), None).await.unwrap();
    assert_ne!(first, again);
    assert!(is_conflict(&store.delete(&new().id, &first).await));
}

fn query(parent: &str, skip: u64, limit: u64) -> EntityQuery {
    EntityQuery { collection: Collection::Actions, shared: false, parent: parent.to_owned(), skip, limit }
}

async fn names(store: &dyn EntityStore, query: &EntityQuery) -> Vec<String> {
    let name = |summary: &Json| summary.member("name").unwrap().to_text().unwrap();
    store.list(query).await.unwrap().iter().map(name).collect()
}

async fn lists_are_newest_first(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    for (name, updated) in [("b", 20), ("c", 30), ("a", 10), ("d", 40)] {
        store.put(document(&parent, name, updated), None).await.unwrap();
    }
    let trigger = trigger(&parent, "a trigger", 50);
    store.put(trigger.clone(), None).await.unwrap();
    let triggers = EntityQuery { collection: Collection::Triggers, ..query(&parent, 0, 10) };
    assert_eq!(store.list(&triggers).await.unwrap(), [trigger.summary]);
    let d = store.list(&query(&parent, 0, 1)).await.unwrap();
    assert_eq!(d, [document(&parent, "d", 40).summary]);

    assert_eq!(names(store, &query(&parent, 0, 10)).await, ["d", "c", "b", "a"]);
    assert_eq!(names(store, &query(&parent, 1, 2)).await, ["c", "b"]);
    assert!(names(store, &query(&parent, 4, 2)).await.is_empty());
    assert!(names(store, &query(&parent, u64::MAX, u64::MAX)).await.is_empty());
    assert!(names(store, &query(&parent, 0, 0)).await.is_empty());
    assert_eq!(store.count(&query(&parent, 3, 1)).await.unwrap(), 4);

    let c = document(&parent, "c", 5);
    let revision = store.get(&c.id).await.unwrap().revision;
    store.put(c, Some(&revision)).await.unwrap();
    assert_eq!(names(store, &query(&parent, 0, 10)).await, ["d", "b", "a", "c"]);
}

async fn lists_follow_packages(store: &dyn EntityStore) {
    let namespace = new_namespace().to_string();
    let (one, two) = (format!("{namespace}/one"), format!("{namespace}/two"));
    store.put(document(&namespace, "plain", 1), None).await.unwrap();
    store.put(document(&one, "in one", 2), None).await.unwrap();
    store.put(document(&two, "in two", 3), None).await.unwrap();
    // A longer namespace with the same beginning is another namespace.
    store.put(document(&format!("{namespace}x"), "elsewhere", 4), None).await.unwrap();

    assert_eq!(names(store, &query(&namespace, 0, 10)).await, ["in two", "in one", "plain"]);
    assert_eq!(names(store, &query(&one, 0, 10)).await, ["in one"]);
    assert_eq!(store.count(&query(&namespace, 0, 0)).await.unwrap(), 3);
    assert_eq!(store.count(&query(&two, 0, 0)).await.unwrap(), 1);
    assert_eq!(store.count(&query(&format!("{namespace}/three"), 0, 0)).await.unwrap(), 0);
}

fn package(namespace: &str, name: &str, publish: bool, binding: Option<&str>) -> Package {
    Package {
        path: format!("{namespace}/{name}").parse().unwrap(),
        version: Version::FIRST,
        publish,
        binding: binding.map(|path| path.parse().unwrap()),
        parameters: Parameters::default(),
        annotations: serde_json::from_str(r#"[{"key":"a","value":"<é>"}]"#).unwrap(),
        updated: Timestamp(1),
    }
}

async fn shared_packages_are_listed_apart(store: &dyn EntityStore) {
    let namespace = new_namespace().to_string();
    let mut revision = None;
    for (updated, name, publish, binding) in [
        (10, "private", false, None),
        (20, "open", true, None),
        (30, "bound", true, Some("whisk.system/utils")),
        (40, "private bound", false, Some("whisk.system/utils")),
        (50, "open too", true, None),
    ] {
        let package = Package { updated: Timestamp(updated), ..package(&namespace, name, publish, binding) };
        revision = Some(store.put(NewDocument::from(&package), None).await.unwrap());
    }
    let all = EntityQuery { collection: Collection::Packages, ..query(&namespace, 0, 10) };
    let shared = EntityQuery { shared: true, ..all.clone() };
    assert_eq!(names(store, &all).await, ["open too", "private bound", "bound", "open", "private"]);
    assert_eq!(names(store, &shared).await, ["open too", "open"]);
    assert_eq!(names(store, &EntityQuery { skip: 1, limit: 1, ..shared.clone() }).await, ["open"]);
    assert_eq!((store.count(&all).await.unwrap(), store.count(&shared).await.unwrap()), (5, 2));
    let newest = Package { updated: Timestamp(50), ..package(&namespace, "open too", true, None) };
    for list in [&all, &shared] {
        assert_eq!(store.list(list).await.unwrap()[0], newest.to_summary());
    }
    let bound = store.list(&EntityQuery { skip: 2, ..all.clone() }).await.unwrap().swap_remove(0);
    let expected = package(&namespace, "bound", true, Some("whisk.system/utils"));
    assert_eq!(bound, Package { updated: Timestamp(30), ..expected }.to_summary());

    let closed = Package { publish: false, updated: Timestamp(60), ..newest };
    store.put(NewDocument::from(&closed), revision.as_ref()).await.unwrap();
    assert_eq!(names(store, &shared).await, ["open"]);
    let read = store.get(&closed.doc_id()).await.unwrap();
    assert_eq!(Package::from_document(&read.body).unwrap(), closed);
}

/// Bytes in which no two pieces are alike.
fn code(length: usize) -> Bytes {
    (0..length).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}

async fn read_attachment(store: &dyn EntityStore, id: &DocId, revision: &Revision) -> Bytes {
    let mut stream = store.attachment(id, revision).await.unwrap();
    let mut whole = BytesMut::new();
    while let Some(piece) = stream.try_next().await.unwrap() {
        assert!((1..=LARGEST_PIECE).contains(&piece.len()), "a piece of {} bytes", piece.len());
        whole.extend_from_slice(&piece);
    }
    whole.freeze()
}

async fn attachments_come_back_whole(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    for length in [0, 1, LARGEST_PIECE - 1, LARGEST_PIECE, LARGEST_PIECE + 1, 48 << 20] {
        let attachment = Some(code(length));
        let new = NewDocument { attachment, ..document(&parent, &format!("a{length}"), 1) };
        let id = new.id.clone();
        let revision = store.put(new, None).await.unwrap();
        assert_eq!(store.get(&id).await.unwrap().attachment_size, Some(length as u64));
        assert!(read_attachment(store, &id, &revision).await == code(length), "{length} bytes");
    }
}

async fn attachments_belong_to_a_revision(store: &dyn EntityStore) {
    let parent = new_namespace().to_string();
    let with = |attachment: Option<Bytes>| NewDocument { attachment, ..document(&parent, "a", 1) };
    let id = with(None).id;
    let first = store.put(with(Some(code(LARGEST_PIECE * 3))), None).await.unwrap();
    let mut reading = store.attachment(&id, &first).await.unwrap();
    reading.try_next().await.unwrap().unwrap();

    let second = store.put(with(Some(code(5))), Some(&first)).await.unwrap();
    assert_eq!(read_attachment(store, &id, &second).await, code(5));
    assert!(is_conflict(&store.attachment(&id, &first).await.map(drop)));
    // Who reads while it is replaced gets the old one to its end, or an error: never a mixture.
    let mut rest = BytesMut::new();
    let outcome: Result<(), StoreError> = loop {
        match reading.try_next().await {
            Ok(Some(piece)) => rest.extend_from_slice(&piece),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    match outcome {
        Ok(()) => assert!(rest.freeze() == code(LARGEST_PIECE * 3).slice(LARGEST_PIECE..)),
        Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error}"),
    }

    let third = store.put(with(None), Some(&second)).await.unwrap();
    assert_eq!(store.get(&id).await.unwrap().attachment_size, None);
    assert!(is_missing(&store.attachment(&id, &third).await.map(drop)));
    assert!(is_missing(&store.attachment(&DocId::from("no/such"), &third).await.map(drop)));
}
