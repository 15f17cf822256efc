//! What a subject store has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use whirl_model::identity::SubjectNamespace;
use whirl_model::{KeyHash, SealedKey, Subject};

use super::{new_namespace, random};
use crate::store::{StoreError, SubjectStore};

/// Runs the suite.
pub async fn run(store: &dyn SubjectStore) {
    keys_lead_to_callers(store).await;
    replaced_keys_are_unknown(store).await;
    a_key_has_one_owner(store).await;
}

fn new_hash() -> KeyHash {
    KeyHash::from_hex((0..4).map(|_| format!("{:016x}", random())).collect())
}

fn subject(keys: &[&KeyHash]) -> Subject {
    let namespaces = keys.iter().map(|hash| SubjectNamespace {
        name: new_namespace(),
        uuid: format!("uuid-{}", random()),
        key_hash: (*hash).clone(),
        sealed_key: SealedKey::from_text(hash.as_str()),
    });
    Subject { subject: format!("subject-{}", random()), namespaces: namespaces.collect(), blocked: false }
}

async fn keys_lead_to_callers(store: &dyn SubjectStore) {
    let (one, two) = (new_hash(), new_hash());
    let subject = subject(&[&one, &two]);
    assert!(matches!(store.get(&subject.subject).await, Err(StoreError::NotFound(_))));
    store.put(&subject).await.unwrap();
    assert_eq!(store.get(&subject.subject).await.unwrap(), subject);

    for (hash, namespace) in [(&one, &subject.namespaces[0]), (&two, &subject.namespaces[1])] {
        let caller = store.by_key(hash).await.unwrap().unwrap();
        assert_eq!((&caller.subject, &caller.namespace), (&subject.subject, &namespace.name));
        assert_eq!((&caller.uuid, &caller.sealed_key), (&namespace.uuid, &namespace.sealed_key));
    }
    assert_eq!(store.by_key(&new_hash()).await.unwrap(), None);

    store.put(&Subject { blocked: true, ..subject.clone() }).await.unwrap();
    assert_eq!(store.by_key(&one).await.unwrap(), None, "a blocked subject's key");
    store.put(&subject).await.unwrap();
    assert!(store.by_key(&one).await.unwrap().is_some());
}

async fn replaced_keys_are_unknown(store: &dyn SubjectStore) {
    let (old, kept, new) = (new_hash(), new_hash(), new_hash());
    let mut subject = subject(&[&old, &kept]);
    store.put(&subject).await.unwrap();
    subject.namespaces[0].key_hash = new.clone();
    store.put(&subject).await.unwrap();
    assert_eq!(store.by_key(&old).await.unwrap(), None);
    for hash in [&kept, &new] {
        assert_eq!(store.by_key(hash).await.unwrap().unwrap().subject, subject.subject);
    }
}

async fn a_key_has_one_owner(store: &dyn SubjectStore) {
    let key = new_hash();
    let (first, second) = (subject(&[&key]), subject(&[&key]));
    store.put(&first).await.unwrap();
    let outcome = store.put(&second).await;
    assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
    assert_eq!(store.by_key(&key).await.unwrap().unwrap().subject, first.subject);
    assert!(matches!(store.get(&second.subject).await, Err(StoreError::NotFound(_))));
}
