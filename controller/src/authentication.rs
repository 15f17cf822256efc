//! Who is asking: HTTP Basic credentials to a caller. What the caller may do is `entitlement.rs`'s business.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use moka::sync::Cache;
use subtle::ConstantTimeEq;
use whirl_backends::store::{ClearNamespace, StoreError, SubjectStore};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Caller, Credentials, KeyHash, Namespace};
use whirl_service::ServerKey;

use crate::api::Api;
use crate::api_error::ApiError;
use crate::identity::Identity;

/// Known credentials kept in memory, at most.
const CACHED: u64 = 10_000;
/// How often a look-up starts over when the subject changes under it.
const ATTEMPTS: usize = 3;

/// Lets only requests with good credentials through and remembers whose they are.
pub(crate) async fn require(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = match credentials(request.headers()) {
        None => Err(ApiError::Unauthenticated),
        Some(credentials) => api.authenticator.identify(&credentials).await,
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

/// The credentials in the headers, if there are well-formed ones.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    std::str::from_utf8(&decoded).ok()?.parse().ok()
}

/// Knows whose credentials are whose, and remembers it for a while.
pub(crate) struct Authenticator {
    key: ServerKey,
    subjects: Arc<dyn SubjectStore>,
    /// By UUID, which is no secret; the hash is compared in constant time.
    known: Cache<String, Known>,
}

#[derive(Clone)]
struct Known {
    hash: KeyHash,
    identity: Identity,
}

impl Authenticator {
    /// One that believes the store's answers for `lifetime`.
    pub(crate) fn new(key: ServerKey, subjects: Arc<dyn SubjectStore>, lifetime: Duration) -> Self {
        let known = Cache::builder().max_capacity(CACHED).time_to_live(lifetime).build();
        Self { key, subjects, known }
    }

    /// Whose credentials these are.
    pub(crate) async fn identify(&self, credentials: &Credentials) -> Result<Identity, ApiError> {
        let hash = self.key.hash(credentials);
        let remembered = self.known.get(credentials.uuid()).filter(|known| same(&known.hash, &hash));
        if let Some(known) = remembered {
            return Ok(known.identity);
        }
        let found = self.look_up(credentials.uuid(), &hash).await?;
        let caller = Arc::new(found.ok_or(ApiError::Unauthenticated)?);
        let identity = Identity { caller, limits: Arc::default() };
        self.known.insert(credentials.uuid().to_owned(), Known { hash, identity: identity.clone() });
        Ok(identity)
    }

    /// On whose behalf the web actions of a namespace run; `None` if nobody has the namespace or its subject is
    /// blocked.
    pub(crate) async fn owner_of(&self, _namespace: &Namespace) -> Result<Option<Identity>, ApiError> {
        Ok(None)
    }

    async fn look_up(&self, uuid: &str, hash: &KeyHash) -> Result<Option<Caller>, StoreError> {
        for _ in 1..ATTEMPTS {
            match self.try_look_up(uuid, hash).await {
                Err(StoreError::Conflict(_)) => {}
                outcome => return outcome,
            }
        }
        self.try_look_up(uuid, hash).await
    }

    /// `Conflict` if a subject whose keys were to be sealed changed meanwhile: it may be sealed, or blocked.
    async fn try_look_up(&self, uuid: &str, hash: &KeyHash) -> Result<Option<Caller>, StoreError> {
        if let Some(caller) = self.subjects.by_key(hash).await? {
            return Ok(Some(caller));
        }
        let Some(clear) = self.subjects.in_clear(uuid).await? else { return Ok(None) };
        let sealed: Vec<SubjectNamespace> = clear.namespaces.iter().map(|n| self.sealed(n)).collect();
        let Some(used) = sealed.iter().find(|n| same(&n.key_hash, hash)) else { return Ok(None) };
        self.subjects.seal(&clear, &sealed).await?;
        tracing::info!(subject = clear.subject, "sealed the keys that were in clear");
        Ok(Some(Caller {
            subject: clear.subject.clone(),
            namespace: used.name.clone(),
            uuid: used.uuid.clone(),
            sealed_key: used.sealed_key.clone(),
        }))
    }

    fn sealed(&self, namespace: &ClearNamespace) -> SubjectNamespace {
        let credentials = &namespace.credentials;
        SubjectNamespace {
            name: namespace.name.clone(),
            uuid: credentials.uuid().to_owned(),
            key_hash: self.key.hash(credentials),
            sealed_key: self.key.seal(credentials, credentials.uuid().as_bytes()),
        }
    }
}

fn same(left: &KeyHash, right: &KeyHash) -> bool {
    left.as_str().as_bytes().ct_eq(right.as_str().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use async_trait::async_trait;
    use parking_lot::Mutex;
    use whirl_backends::store::ClearSubject;
    use whirl_model::Subject;
    use whirl_service::keys::new_credentials;

    use super::*;

    /// A store that OpenWhisk has filled. Another controller gets in the way of the first seal.
    struct Plain {
        clear: ClearSubject,
        seals: Mutex<Vec<Vec<SubjectNamespace>>>,
    }

    #[async_trait]
    impl SubjectStore for Plain {
        async fn by_key(&self, _: &KeyHash) -> Result<Option<Caller>, StoreError> {
            Ok(None)
        }
        async fn get(&self, subject: &str) -> Result<Subject, StoreError> {
            Err(StoreError::NotFound(subject.to_owned()))
        }
        async fn put(&self, subject: &Subject) -> Result<(), StoreError> {
            Err(StoreError::NotFound(subject.subject.clone()))
        }
        async fn in_clear(&self, uuid: &str) -> Result<Option<ClearSubject>, StoreError> {
            let known = self.clear.namespaces.iter().any(|n| n.credentials.uuid() == uuid);
            Ok(known.then(|| self.clear.clone()))
        }
        async fn seal(&self, clear: &ClearSubject, sealed: &[SubjectNamespace]) -> Result<(), StoreError> {
            let mut seals = self.seals.lock();
            seals.push(sealed.to_vec());
            if seals.len() == 1 { Err(StoreError::Conflict(clear.id.clone())) } else { Ok(()) }
        }
    }

    #[actix_web::test]
    async fn keys_in_clear_are_sealed_at_their_first_use() {
        let (one, other) = (new_credentials(), new_credentials());
        let namespace = |name: &str, credentials: &Credentials| ClearNamespace {
            name: name.parse().unwrap(),
            credentials: credentials.clone(),
        };
        let clear = ClearSubject {
            id: "alice".to_owned(),
            revision: String::from("1-a").into(),
            subject: "alice".to_owned(),
            namespaces: vec![namespace("alice", &one), namespace("team", &other)],
        };
        let store = Arc::new(Plain { clear, seals: Mutex::default() });
        let key = ServerKey::from_bytes(&[1; 32]);
        let authenticator = Authenticator::new(key.clone(), store.clone(), Duration::from_secs(60));

        let wrong: Credentials = format!("{}:{}", other.uuid(), "x".repeat(64)).parse().unwrap();
        for unknown in [wrong, new_credentials()] {
            let refused = authenticator.identify(&unknown).await;
            assert!(matches!(refused, Err(ApiError::Unauthenticated)), "{refused:?}");
        }
        assert!(store.seals.lock().is_empty());

        let caller = authenticator.identify(&other).await.unwrap().caller;
        assert_eq!((caller.subject.as_str(), caller.namespace.as_str()), ("alice", "team"));
        assert_eq!(key.open(&caller.sealed_key, caller.uuid.as_bytes()).unwrap(), other);
        let seals = store.seals.lock().clone();
        let hashes: Vec<_> = seals[1].iter().map(|n| n.key_hash.clone()).collect();
        assert_eq!((seals.len(), hashes), (2, vec![key.hash(&one), key.hash(&other)]));
    }

    #[test]
    fn only_basic_credentials_of_the_right_form_are_read() {
        let pair = format!("0a0b0c0d-1111-2222-3333-444455556666:{}", "k".repeat(64));
        let read = |value: String| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::try_from(value).unwrap());
            credentials(&headers).map(|c| c.reveal())
        };
        let encoded = STANDARD.encode(&pair);
        assert_eq!(read(format!("Basic {encoded}")), Some(pair.clone()));
        assert_eq!(read(format!("basic {encoded}")), Some(pair));
        for bad in [
            format!("Bearer {encoded}"),
            encoded,
            "Basic".into(),
            "Basic !".into(),
            format!("Basic {}", STANDARD.encode("user:password")),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
        assert!(credentials(&HeaderMap::new()).is_none());
    }
}
