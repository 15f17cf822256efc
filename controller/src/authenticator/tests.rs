//! The authenticator on a store that OpenWhisk has filled, and one that changes under it.

use async_trait::async_trait;
use parking_lot::Mutex;
use whirl_backends::store::{ClearSubject, Holder};
use whirl_model::{Caller, NamespaceLimits, Subject};
use whirl_service::keys::new_credentials;

use super::*;

/// A store with one subject, all its keys in clear. Another controller gets in the way of the first seal.
struct Plain {
    clear: ClearSubject,
    seals: Mutex<Vec<Vec<SubjectNamespace>>>,
    limits: Mutex<NamespaceLimits>,
    look_ups: AtomicU64,
}

impl Plain {
    fn new(namespaces: &[(&str, &Credentials)]) -> Arc<Self> {
        let namespace = |(name, credentials): &(&str, &Credentials)| ClearNamespace {
            name: name.parse().unwrap(),
            credentials: (*credentials).clone(),
        };
        let clear = ClearSubject {
            id: "alice".to_owned(),
            revision: String::from("1-a").into(),
            subject: "alice".to_owned(),
            namespaces: namespaces.iter().map(namespace).collect(),
        };
        Arc::new(Self {
            clear,
            seals: Mutex::default(),
            limits: Mutex::default(),
            look_ups: AtomicU64::new(0),
        })
    }

    fn sealed(&self, is_it: impl Fn(&SubjectNamespace) -> bool) -> Option<Known> {
        self.look_ups.fetch_add(1, Ordering::SeqCst);
        let found = self.seals.lock().get(1)?.iter().find(|n| is_it(n)).cloned()?;
        let SubjectNamespace { name, uuid, sealed_key, .. } = found;
        let caller = Caller { subject: "alice".to_owned(), namespace: name, uuid, sealed_key };
        Some(Known { caller, limits: self.limits.lock().clone() })
    }
}

#[async_trait]
impl SubjectStore for Plain {
    async fn by_key(&self, hash: &KeyHash) -> Result<Option<Known>, StoreError> {
        Ok(self.sealed(|n| n.key_hash == *hash))
    }
    async fn by_namespace(&self, namespace: &Namespace) -> Result<Option<Known>, StoreError> {
        Ok(self.sealed(|n| n.name == *namespace))
    }
    async fn holders(&self, _: &Namespace) -> Result<Vec<Holder>, StoreError> {
        Ok(Vec::new())
    }
    async fn get(&self, subject: &str) -> Result<Subject, StoreError> {
        Err(StoreError::NotFound(subject.to_owned()))
    }
    async fn put(&self, subject: &Subject, _: Option<&Subject>) -> Result<(), StoreError> {
        Err(StoreError::NotFound(subject.subject.clone()))
    }
    async fn delete(&self, subject: &Subject) -> Result<(), StoreError> {
        Err(StoreError::NotFound(subject.subject.clone()))
    }
    async fn limits(&self, _: &Namespace) -> Result<NamespaceLimits, StoreError> {
        Ok(self.limits.lock().clone())
    }
    async fn put_limits(&self, _: &Namespace, limits: &NamespaceLimits) -> Result<(), StoreError> {
        *self.limits.lock() = limits.clone();
        Ok(())
    }
    async fn delete_limits(&self, _: &Namespace) -> Result<(), StoreError> {
        *self.limits.lock() = NamespaceLimits::default();
        Ok(())
    }
    async fn in_clear(&self, sought: Clear<'_>) -> Result<Option<ClearSubject>, StoreError> {
        let is_it = |n: &ClearNamespace| match sought {
            Clear::Uuid(uuid) => n.credentials.uuid() == uuid,
            Clear::Namespace(name) => n.name == *name,
            Clear::Subject(name) => name == "alice",
        };
        let is_clear = self.seals.lock().len() < 2 && self.clear.namespaces.iter().any(is_it);
        Ok(is_clear.then(|| self.clear.clone()))
    }
    async fn seal(&self, clear: &ClearSubject, sealed: &[SubjectNamespace]) -> Result<(), StoreError> {
        let mut seals = self.seals.lock();
        seals.push(sealed.to_vec());
        if seals.len() == 1 { Err(StoreError::Conflict(clear.id.clone())) } else { Ok(()) }
    }
}

fn authenticator(store: &Arc<Plain>) -> Authenticator {
    Authenticator::new(ServerKey::from_bytes(&[1; 32]), store.clone(), Duration::from_secs(60))
}

#[actix_web::test]
async fn keys_in_clear_are_sealed_at_their_first_use() {
    let (one, other) = (new_credentials(), new_credentials());
    let store = Plain::new(&[("alice", &one), ("team", &other)]);
    let authenticator = authenticator(&store);

    let wrong: Credentials = format!("{}:{}", other.uuid(), "x".repeat(64)).parse().unwrap();
    for unknown in [wrong, new_credentials()] {
        let refused = authenticator.identify(&unknown).await;
        assert!(matches!(refused, Err(ApiError::Unauthenticated)), "{refused:?}");
    }
    assert!(store.seals.lock().is_empty());

    let caller = authenticator.identify(&other).await.unwrap().caller;
    assert_eq!((caller.subject.as_str(), caller.namespace.as_str()), ("alice", "team"));
    assert_eq!(authenticator.open(&caller.sealed_key, &caller.uuid).unwrap(), other);
    let seals = store.seals.lock().clone();
    let hashes: Vec<_> = seals[1].iter().map(|n| n.key_hash.clone()).collect();
    let hash = |credentials| authenticator.key.hash(credentials);
    assert_eq!((seals.len(), hashes), (2, vec![hash(&one), hash(&other)]));
}

#[actix_web::test]
async fn a_namespace_whose_key_is_in_clear_has_an_owner() {
    let key = new_credentials();
    let store = Plain::new(&[("team", &key)]);
    let authenticator = authenticator(&store);
    assert!(authenticator.owner_of(&"nobodys".parse().unwrap()).await.unwrap().is_none());
    assert!(store.seals.lock().is_empty());
    let owner = authenticator.owner_of(&"team".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((owner.caller.subject.as_str(), owner.caller.uuid.as_str()), ("alice", key.uuid()));
}

#[actix_web::test]
async fn what_is_known_is_asked_again_once_it_is_forgotten() {
    let key = new_credentials();
    let (store, team) = (Plain::new(&[("team", &key)]), "team".parse().unwrap());
    let authenticator = authenticator(&store);
    authenticator.seal_subject("alice").await.unwrap();
    let fires = async || {
        let one = authenticator.identify(&key).await.unwrap().limits.fires_per_minute;
        let other = authenticator.owner_of(&team).await.unwrap().unwrap().limits.fires_per_minute;
        assert_eq!(one, other);
        one
    };
    assert_eq!(fires().await, None);
    let limits = NamespaceLimits { fires_per_minute: Some(3), ..NamespaceLimits::default() };
    store.put_limits(&team, &limits).await.unwrap();
    let asked = store.look_ups.load(Ordering::SeqCst);
    assert_eq!(fires().await, None);
    assert_eq!(store.look_ups.load(Ordering::SeqCst), asked);
    authenticator.forget();
    assert_eq!(fires().await, Some(3));
}
