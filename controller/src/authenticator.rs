//! Whose credentials and namespaces are whose: asked of the store, and remembered for a while. Credentials that
//! OpenWhisk left in clear are sealed at their first use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use subtle::ConstantTimeEq;
use whirl_backends::store::{Clear, ClearNamespace, Known, StoreError, SubjectStore};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Credentials, KeyHash, Namespace, SealedKey};
use whirl_service::ServerKey;
use whirl_service::keys::OpenError;

use crate::api_error::ApiError;
use crate::identity::Identity;

/// Known credentials kept in memory, at most; as many namespaces.
const CACHED: u64 = 10_000;
/// How often a look-up starts over when the subject changes under it.
const ATTEMPTS: usize = 3;
/// Subjects whose keys in one namespace are sealed at once, at most.
const MOST_HOLDERS: usize = 100;

/// Knows whose credentials are whose.
pub(crate) struct Authenticator {
    key: ServerKey,
    subjects: Arc<dyn SubjectStore>,
    /// By UUID, which is no secret; the hash is compared in constant time.
    known: Cache<String, (KeyHash, Identity)>,
    /// By namespace.
    owners: Cache<Namespace, Identity>,
    /// How often everything was forgotten.
    forgotten: AtomicU64,
}

impl Authenticator {
    /// One that believes the store's answers for `lifetime`.
    pub(crate) fn new(key: ServerKey, subjects: Arc<dyn SubjectStore>, lifetime: Duration) -> Self {
        let (known, owners) = (
            Cache::builder().max_capacity(CACHED).time_to_live(lifetime).build(),
            Cache::builder().max_capacity(CACHED).time_to_live(lifetime).build(),
        );
        Self { key, subjects, known, owners, forgotten: AtomicU64::new(0) }
    }

    /// Whose credentials these are.
    pub(crate) async fn identify(&self, credentials: &Credentials) -> Result<Identity, ApiError> {
        let hash = self.key.hash(credentials);
        let remembered = self.known.get(credentials.uuid()).filter(|(known, _)| same(known, &hash));
        if let Some((_, identity)) = remembered {
            return Ok(identity);
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let found = self.look_up(Sought::Key(credentials.uuid(), &hash)).await?;
        let identity = Identity::from(found.ok_or(ApiError::Unauthenticated)?);
        let uuid = credentials.uuid().to_owned();
        self.known.insert(uuid.clone(), (hash, identity.clone()));
        if self.forgotten.load(Ordering::SeqCst) != before {
            self.known.invalidate(&uuid);
        }
        Ok(identity)
    }

    /// On whose behalf the web actions of a namespace run; `None` if nobody has the namespace or its subject is
    /// blocked.
    pub(crate) async fn owner_of(&self, namespace: &Namespace) -> Result<Option<Identity>, ApiError> {
        if let Some(identity) = self.owners.get(namespace) {
            return Ok(Some(identity));
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let Some(known) = self.look_up(Sought::Namespace(namespace)).await? else { return Ok(None) };
        let identity = Identity::from(known);
        self.owners.insert(namespace.clone(), identity.clone());
        if self.forgotten.load(Ordering::SeqCst) != before {
            self.owners.invalidate(namespace);
        }
        Ok(Some(identity))
    }

    /// A subject or limits were changed: everything is asked anew. What is being looked up at this moment is not
    /// remembered.
    pub(crate) fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
        self.owners.invalidate_all();
    }

    /// Sees to it that no key of a namespace is in clear, so that the store tells all who have it.
    pub(crate) async fn seal_namespace(&self, namespace: &Namespace) -> Result<(), StoreError> {
        for _subject in 0..MOST_HOLDERS {
            if !self.try_seal(Clear::Namespace(namespace)).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sees to it that no key of a subject is in clear, so that the store tells all of it.
    pub(crate) async fn seal_subject(&self, subject: &str) -> Result<(), StoreError> {
        for _ in 1..ATTEMPTS {
            match self.try_seal(Clear::Subject(subject)).await {
                Err(StoreError::Conflict(_)) => {}
                outcome => return outcome.map(drop),
            }
        }
        self.try_seal(Clear::Subject(subject)).await.map(drop)
    }

    /// A namespace as it is stored, its credentials sealed.
    pub(crate) fn sealed(&self, name: &Namespace, credentials: &Credentials) -> SubjectNamespace {
        SubjectNamespace {
            name: name.clone(),
            uuid: credentials.uuid().to_owned(),
            key_hash: self.key.hash(credentials),
            sealed_key: self.key.seal(credentials, credentials.uuid().as_bytes()),
        }
    }

    /// The credentials that were sealed.
    pub(crate) fn open(&self, sealed: &SealedKey, uuid: &str) -> Result<Credentials, OpenError> {
        self.key.open(sealed, uuid.as_bytes())
    }

    async fn look_up(&self, sought: Sought<'_>) -> Result<Option<Known>, StoreError> {
        for _ in 1..ATTEMPTS {
            match self.try_look_up(sought).await {
                Err(StoreError::Conflict(_)) => {}
                outcome => return outcome,
            }
        }
        self.try_look_up(sought).await
    }

    /// `Conflict` if a subject whose keys were to be sealed changed meanwhile: it may be sealed, or blocked.
    async fn try_look_up(&self, sought: Sought<'_>) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.find(sought).await? {
            return Ok(Some(known));
        }
        let is_sealed_now = match sought {
            Sought::Namespace(name) => self.try_seal(Clear::Namespace(name)).await?,
            Sought::Key(uuid, hash) => {
                let Some(clear) = self.subjects.in_clear(Clear::Uuid(uuid)).await? else { return Ok(None) };
                // Who does not have the key has nothing changed.
                let has = |n: &ClearNamespace| same(&self.key.hash(&n.credentials), hash);
                if !clear.namespaces.iter().any(has) {
                    return Ok(None);
                }
                self.try_seal(Clear::Uuid(uuid)).await?
            }
        };
        if is_sealed_now { self.find(sought).await } else { Ok(None) }
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Option<Known>, StoreError> {
        match sought {
            Sought::Key(_, hash) => self.subjects.by_key(hash).await,
            Sought::Namespace(name) => self.subjects.by_namespace(name).await,
        }
    }

    /// Seals the keys of a subject that are in clear. Whether there were some.
    async fn try_seal(&self, sought: Clear<'_>) -> Result<bool, StoreError> {
        let Some(clear) = self.subjects.in_clear(sought).await? else { return Ok(false) };
        let sealed: Vec<_> = clear.namespaces.iter().map(|n| self.sealed(&n.name, &n.credentials)).collect();
        self.subjects.seal(&clear, &sealed).await?;
        tracing::info!(subject = clear.subject, "sealed the keys that were in clear");
        Ok(true)
    }
}

/// What is looked up: who has a key, with the UUID that it came with, or who has a namespace.
#[derive(Clone, Copy)]
enum Sought<'a> {
    Key(&'a str, &'a KeyHash),
    Namespace(&'a Namespace),
}

fn same(left: &KeyHash, right: &KeyHash) -> bool {
    left.as_str().as_bytes().ct_eq(right.as_str().as_bytes()).into()
}

#[cfg(test)]
mod tests;
