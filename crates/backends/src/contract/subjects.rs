//! What a subject store has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use whirl_model::identity::SubjectNamespace;
use whirl_model::{KeyHash, Namespace, NamespaceLimits, SealedKey, Subject};

use super::{new_namespace, random};
use crate::store::{StoreError, SubjectStore};

/// Runs the suite.
pub async fn run(store: &dyn SubjectStore) {
    keys_lead_to_callers(store).await;
    namespaces_lead_to_their_subjects(store).await;
    replaced_keys_are_unknown(store).await;
    a_key_has_one_owner(store).await;
    only_what_was_read_is_replaced(store).await;
    a_deleted_subject_is_gone(store).await;
    limits_come_with_their_namespace(store).await;
}

fn new_hash() -> KeyHash {
    KeyHash::from_hex((0..4).map(|_| format!("{:016x}", random())).collect())
}

fn namespace_of(name: Namespace, hash: &KeyHash) -> SubjectNamespace {
    SubjectNamespace {
        name,
        uuid: format!("uuid-{}", random()),
        key_hash: hash.clone(),
        sealed_key: SealedKey::from_text(hash.as_str()),
    }
}

fn subject(keys: &[&KeyHash]) -> Subject {
    let namespaces = keys.iter().map(|hash| namespace_of(new_namespace(), hash));
    Subject { subject: format!("subject-{}", random()), namespaces: namespaces.collect(), blocked: false }
}

async fn keys_lead_to_callers(store: &dyn SubjectStore) {
    let (one, two) = (new_hash(), new_hash());
    let subject = subject(&[&one, &two]);
    assert!(matches!(store.get(&subject.subject).await, Err(StoreError::NotFound(_))));
    store.put(&subject, None).await.unwrap();
    assert_eq!(store.get(&subject.subject).await.unwrap(), subject);

    for (hash, namespace) in [(&one, &subject.namespaces[0]), (&two, &subject.namespaces[1])] {
        let known = store.by_key(hash).await.unwrap().unwrap();
        let caller = &known.caller;
        assert_eq!((&caller.subject, &caller.namespace), (&subject.subject, &namespace.name));
        assert_eq!((&caller.uuid, &caller.sealed_key), (&namespace.uuid, &namespace.sealed_key));
        assert_eq!(known.limits, NamespaceLimits::default());
        assert_eq!(store.by_namespace(&namespace.name).await.unwrap(), Some(known));
    }
    assert_eq!(store.by_key(&new_hash()).await.unwrap(), None);

    let blocked = Subject { blocked: true, ..subject.clone() };
    store.put(&blocked, Some(&subject)).await.unwrap();
    assert_eq!(store.by_key(&one).await.unwrap(), None, "a blocked subject's key");
    assert_eq!(store.by_namespace(&subject.namespaces[0].name).await.unwrap(), None);
    store.put(&subject, Some(&blocked)).await.unwrap();
    assert!(store.by_key(&one).await.unwrap().is_some());
}

async fn namespaces_lead_to_their_subjects(store: &dyn SubjectStore) {
    let shared = new_namespace();
    assert_eq!(store.by_namespace(&shared).await.unwrap(), None);
    assert_eq!(store.holders(&shared).await.unwrap(), []);
    let (one, other) = (new_hash(), new_hash());
    let mut subjects = [&one, &other].map(|hash| Subject {
        namespaces: vec![namespace_of(shared.clone(), hash), namespace_of(new_namespace(), &new_hash())],
        ..subject(&[])
    });
    subjects.sort_by(|a, b| a.subject.cmp(&b.subject));
    for subject in subjects.iter().rev() {
        store.put(subject, None).await.unwrap();
    }
    let holders = store.holders(&shared).await.unwrap();
    assert_eq!(holders.len(), 2);
    for (holder, subject) in holders.iter().zip(&subjects) {
        assert_eq!((&holder.caller.subject, holder.blocked), (&subject.subject, false));
        assert_eq!(holder.caller.uuid, subject.namespaces[0].uuid);
    }
    let first = store.by_namespace(&shared).await.unwrap().unwrap();
    assert_eq!(first.caller, holders[0].caller);

    store.put(&Subject { blocked: true, ..subjects[0].clone() }, Some(&subjects[0])).await.unwrap();
    assert_eq!(store.by_namespace(&shared).await.unwrap().unwrap().caller, holders[1].caller);
    let blocked: Vec<_> = store.holders(&shared).await.unwrap().iter().map(|h| h.blocked).collect();
    assert_eq!(blocked, [true, false]);
}

async fn replaced_keys_are_unknown(store: &dyn SubjectStore) {
    let (old, kept, new) = (new_hash(), new_hash(), new_hash());
    let subject = subject(&[&old, &kept]);
    store.put(&subject, None).await.unwrap();
    let mut changed = subject.clone();
    changed.namespaces[0].key_hash = new.clone();
    store.put(&changed, Some(&subject)).await.unwrap();
    assert_eq!(store.by_key(&old).await.unwrap(), None);
    for hash in [&kept, &new] {
        assert_eq!(store.by_key(hash).await.unwrap().unwrap().caller.subject, subject.subject);
    }
}

async fn a_key_has_one_owner(store: &dyn SubjectStore) {
    let key = new_hash();
    let (first, second) = (subject(&[&key]), subject(&[&key]));
    store.put(&first, None).await.unwrap();
    let outcome = store.put(&second, None).await;
    assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
    assert_eq!(store.by_key(&key).await.unwrap().unwrap().caller.subject, first.subject);
    assert!(matches!(store.get(&second.subject).await, Err(StoreError::NotFound(_))));
}

async fn only_what_was_read_is_replaced(store: &dyn SubjectStore) {
    let hash = new_hash();
    let subject = subject(&[&hash]);
    let grown = Subject {
        namespaces: vec![subject.namespaces[0].clone(), namespace_of(new_namespace(), &new_hash())],
        ..subject.clone()
    };
    let refused = store.put(&grown, Some(&subject)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "it is not there: {refused:?}");
    store.put(&subject, None).await.unwrap();
    store.put(&grown, Some(&subject)).await.unwrap();
    let blocked = Subject { blocked: true, ..subject.clone() };
    for stale in [Some(&subject), None] {
        let refused = store.put(&blocked, stale).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let refused = store.delete(&subject).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(store.get(&subject.subject).await.unwrap(), grown);
}

async fn a_deleted_subject_is_gone(store: &dyn SubjectStore) {
    let hash = new_hash();
    let subject = subject(&[&hash]);
    store.put(&subject, None).await.unwrap();
    store.delete(&subject).await.unwrap();
    assert!(matches!(store.get(&subject.subject).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.by_key(&hash).await.unwrap(), None);
    assert_eq!(store.holders(&subject.namespaces[0].name).await.unwrap(), []);
    assert!(matches!(store.delete(&subject).await, Err(StoreError::NotFound(_))));
    store.put(&subject, None).await.unwrap();
    assert_eq!(store.by_key(&hash).await.unwrap().unwrap().caller.subject, subject.subject);
}

async fn limits_come_with_their_namespace(store: &dyn SubjectStore) {
    let hash = new_hash();
    let subject = subject(&[&hash]);
    let namespace = &subject.namespaces[0].name;
    store.put(&subject, None).await.unwrap();
    assert!(matches!(store.limits(namespace).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.delete_limits(namespace).await, Err(StoreError::NotFound(_))));

    let limits = |text: &str| serde_json::from_str::<NamespaceLimits>(text).unwrap();
    let first = limits(
        r#"{"invocationsPerMinute":0,"allowedKinds":["nodejs:20"],"storeActivations":false,
            "maxParameterSize":"2 KB","maxActionMemory":128}"#,
    );
    for limits in [first, limits(r#"{"firesPerMinute":4294967295}"#)] {
        store.put_limits(namespace, &limits).await.unwrap();
        assert_eq!(store.limits(namespace).await.unwrap(), limits);
        assert_eq!(store.by_key(&hash).await.unwrap().unwrap().limits, limits);
        assert_eq!(store.by_namespace(namespace).await.unwrap().unwrap().limits, limits);
    }
    store.delete_limits(namespace).await.unwrap();
    assert!(matches!(store.limits(namespace).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.by_key(&hash).await.unwrap().unwrap().limits, NamespaceLimits::default());

    let empty = new_namespace();
    store.put_limits(&empty, &limits("{}")).await.unwrap();
    assert_eq!(store.limits(&empty).await.unwrap(), NamespaceLimits::default());
    store.delete_limits(&empty).await.unwrap();
}
