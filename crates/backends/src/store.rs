//! The store seam: entities, activation records and subjects.
//!
//! Documents carry revisions: who writes must name the revision that they read, and a stale one is a
//! [`StoreError::Conflict`]. Lists come newest first. Activation records are create-only. JSON comes back with
//! its members in order and its integers whole; a store of a cluster may write other numbers differently, as
//! the same double.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{
    Action, ActivationId, ActivationRecord, Caller, Code, ControllerId, Credentials, DocId, Json, KeyHash,
    Namespace, NamespaceLimits, Package, Revision, Rule, Subject, Timestamp, Trigger,
};

mod records;

pub use records::put_all_that_fit;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such document, record or subject.
    #[error("'{0}' is not in the store")]
    NotFound(String),
    /// The document is there already, or at another revision than the caller thinks.
    #[error("'{0}' was changed by someone else")]
    Conflict(String),
    /// The store cannot be reached or cannot write now; the same call may succeed later.
    #[error("the store cannot {operation} now")]
    Unavailable {
        /// What was asked, such as "read an entity".
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not do that for us, now or later: our credentials are wrong or do not suffice, or a
    /// setting has to be mended.
    #[error("the store refuses to {operation}")]
    Refused {
        /// What was asked, such as "read an entity".
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not take this content, now or later; it takes other content.
    #[error("the store does not take what it is given to {operation}")]
    Unfit {
        /// What was asked, such as "write activation records".
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored, or should be, cannot be understood.
    #[error("'{id}' has a form that the store cannot use")]
    Corrupt {
        /// The document's id.
        id: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether what was given is at fault: the same call with other content may succeed.
    #[must_use]
    pub fn is_of_content(&self) -> bool {
        matches!(self, Self::Unfit { .. } | Self::Corrupt { .. })
    }
}

/// The sort of an entity. All sorts share one space of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collection {
    /// Actions.
    Actions,
    /// Triggers.
    Triggers,
    /// Rules.
    Rules,
    /// Packages.
    Packages,
    /// APIs of the gateway.
    Apis,
}

impl Collection {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Actions, Self::Triggers, Self::Rules, Self::Packages, Self::Apis];

    /// The plural used in URLs and counts.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Triggers => "triggers",
            Self::Rules => "rules",
            Self::Packages => "packages",
            Self::Apis => "apis",
        }
    }
}

/// An entity to be written.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its id.
    pub id: DocId,
    /// Its sort.
    pub collection: Collection,
    /// `NAMESPACE` or `NAMESPACE/PACKAGE`: the body's `namespace`. Lists find it under this path and under the
    /// namespace alone.
    pub parent: String,
    /// When it was written: the body's `updated`. Lists are ordered by this.
    pub updated: Timestamp,
    /// The entity without its attachment: a JSON object in the form that clients get.
    pub body: Json,
    /// What lists show of it: the members of the body that summaries of its sort have. A store may keep this,
    /// or make it anew from the body.
    pub summary: Json,
    /// An action's code; base64 if `exec.binary` of the body says so. Replaces what was attached before;
    /// `None` removes it.
    pub attachment: Option<Bytes>,
}

impl From<&Package> for NewDocument {
    fn from(package: &Package) -> Self {
        Self {
            id: package.doc_id(),
            collection: Collection::Packages,
            parent: package.path.namespace.to_string(),
            updated: package.updated,
            body: package.to_json(),
            summary: package.to_summary(),
            attachment: None,
        }
    }
}

impl From<&Trigger> for NewDocument {
    fn from(trigger: &Trigger) -> Self {
        Self {
            id: trigger.doc_id(),
            collection: Collection::Triggers,
            parent: trigger.path.namespace.to_string(),
            updated: trigger.updated,
            body: trigger.to_json(),
            summary: trigger.to_summary(),
            attachment: None,
        }
    }
}

impl From<&Rule> for NewDocument {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.doc_id(),
            collection: Collection::Rules,
            parent: rule.path.namespace.to_string(),
            updated: rule.updated,
            body: rule.to_document(),
            summary: rule.to_document(),
            attachment: None,
        }
    }
}

impl From<&Action> for NewDocument {
    /// The action's code, unless it is empty, becomes the attachment.
    fn from(action: &Action) -> Self {
        let code = action.exec.code().map(Code::as_str).filter(|code| !code.is_empty());
        Self {
            id: action.doc_id(),
            collection: Collection::Actions,
            parent: action.path.parent(),
            updated: action.updated,
            body: action.to_document(),
            summary: action.to_summary(),
            attachment: code.map(|code| Bytes::copy_from_slice(code.as_bytes())),
        }
    }
}

/// An entity as it was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its id.
    pub id: DocId,
    /// Its state.
    pub revision: Revision,
    /// Its sort.
    pub collection: Collection,
    /// The entity without its attachment.
    pub body: Json,
    /// Bytes of the attachment, if there is one.
    pub attachment_size: Option<u64>,
}

/// Which entities to list.
#[derive(Clone, Debug)]
pub struct EntityQuery {
    /// Their sort.
    pub collection: Collection,
    /// `NAMESPACE` for all of them, `NAMESPACE/PACKAGE` for those of one package.
    pub parent: String,
    /// Only packages that everyone may read and that are no bindings.
    pub shared: bool,
    /// So many of the newest are left out.
    pub skip: u64,
    /// At most so many.
    pub limit: u64,
}

/// Entities: revisioned documents.
#[async_trait]
pub trait EntityStore: Send + Sync {
    /// Reads one document.
    async fn get(&self, id: &DocId) -> Result<Document, StoreError>;

    /// Reads those of the documents that are there, each once, in any order.
    async fn get_all(&self, ids: &[DocId]) -> Result<Vec<Document>, StoreError>;

    /// Reads a document's attachment at one revision, in order, in pieces of at most 256 KiB. An empty one has
    /// no pieces. `NotFound` if there is none, `Conflict` if the document is at another revision; also in mid
    /// stream, if it is replaced or deleted meanwhile.
    async fn attachment(
        &self,
        id: &DocId,
        revision: &Revision,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError>;

    /// Writes a document, durably. `expected` is the revision it replaces; `None` creates. `Conflict` if that
    /// is not how the document is: also when it has been deleted. No revision ever comes back, not even when
    /// a document is created again. After `Unavailable` it may have been written or not.
    async fn put(&self, document: NewDocument, expected: Option<&Revision>) -> Result<Revision, StoreError>;

    /// Removes a document and its attachment, durably. `NotFound` if there is none, `Conflict` if it is at
    /// another revision.
    async fn delete(&self, id: &DocId, expected: &Revision) -> Result<(), StoreError>;

    /// Summaries, last `updated` first, those with the same time in any order. Every write that has returned is
    /// seen.
    async fn list(&self, query: &EntityQuery) -> Result<Vec<Json>, StoreError>;

    /// How many there are; `skip` and `limit` do not matter.
    async fn count(&self, query: &EntityQuery) -> Result<u64, StoreError>;
}

/// Which activation records to list.
#[derive(Clone, Debug)]
pub struct ActivationQuery {
    /// The namespace that invoked.
    pub namespace: Namespace,
    /// Only those with this [`ActivationRecord::filter_name`].
    pub name: Option<String>,
    /// Only those that started then or later.
    pub since: Option<Timestamp>,
    /// Only those that started then or earlier.
    pub upto: Option<Timestamp>,
    /// So many of the newest are left out.
    pub skip: u64,
    /// At most so many.
    pub limit: u64,
}

/// What a list shows of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordForm {
    /// [`ActivationRecord::to_summary`]
    Summary,
    /// [`ActivationRecord::to_json`]
    Whole,
}

/// Activation records.
#[async_trait]
pub trait ActivationStore: Send + Sync {
    /// Writes records, durably. A record whose id is there already is left as it is, so that the same call may
    /// be repeated: after an error some may have been written. `Unfit` or `Corrupt` if the store does not take
    /// one of them; [`put_all_that_fit`] finds which.
    async fn put_all(&self, records: &[Arc<ActivationRecord>]) -> Result<(), StoreError>;

    /// Reads one record of a namespace.
    async fn get(&self, namespace: &Namespace, id: ActivationId) -> Result<ActivationRecord, StoreError>;

    /// Which of these activations, each of a namespace, have a record; in the order given.
    async fn existing(&self, ids: &[(Namespace, ActivationId)]) -> Result<Vec<ActivationId>, StoreError>;

    /// Records as clients get them, last started first, those with the same time in an order that stays. Records
    /// written less than 200 ms ago may be missing, here and in [`Self::count`].
    async fn list(&self, query: &ActivationQuery, form: RecordForm) -> Result<Vec<Json>, StoreError>;

    /// How many there are; `skip` and `limit` do not matter.
    async fn count(&self, query: &ActivationQuery) -> Result<u64, StoreError>;
}

/// A subject as OpenWhisk keeps it: with keys in clear.
#[derive(Clone, Debug)]
pub struct ClearSubject {
    /// Its document's id.
    pub id: String,
    /// Its document's state.
    pub revision: Revision,
    /// The subject's name.
    pub subject: String,
    /// Those of its namespaces whose keys are in clear.
    pub namespaces: Vec<ClearNamespace>,
}

/// A namespace whose key is in clear.
#[derive(Clone, Debug)]
pub struct ClearNamespace {
    /// The namespace's name.
    pub name: Namespace,
    /// What opens it.
    pub credentials: Credentials,
}

/// Who has a credential or a namespace, and what that namespace may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Who it is.
    pub caller: Caller,
    /// The namespace's limits; none of its own if it has no document or one that cannot be read.
    pub limits: NamespaceLimits,
}

/// One of those who have a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The subject and its credential.
    pub caller: Caller,
    /// Whether the subject is blocked.
    pub blocked: bool,
}

/// By what a subject with keys in clear is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Clear<'a> {
    /// One of its namespaces has this UUID, with its key in clear; it is not blocked.
    Uuid(&'a str),
    /// One of its namespaces has this name, with its key in clear; it is not blocked.
    Namespace(&'a Namespace),
    /// Its own name; it may be blocked.
    Subject(&'a str),
}

/// Subjects and their credentials, and the limits of namespaces.
#[async_trait]
pub trait SubjectStore: Send + Sync {
    /// Whose the credential of this hash is; `None` if nobody's, or a blocked subject's.
    async fn by_key(&self, hash: &KeyHash) -> Result<Option<Known>, StoreError>;

    /// Who has the namespace; `None` if nobody, or only blocked subjects. Of several subjects it is the first by
    /// name. Those whose keys are in clear do not count.
    async fn by_namespace(&self, namespace: &Namespace) -> Result<Option<Known>, StoreError>;

    /// All who have the namespace, blocked ones too, by subject. Those whose keys are in clear do not count.
    async fn holders(&self, namespace: &Namespace) -> Result<Vec<Holder>, StoreError>;

    /// Reads one subject. Namespaces whose keys are in clear are not among its namespaces.
    async fn get(&self, subject: &str) -> Result<Subject, StoreError>;

    /// Writes a subject, durably. `replaced` is how it was read; `None` creates it. `Conflict` if that is not how
    /// it is, or if one of its keys is another subject's. Keys that it no longer has are unknown from then on;
    /// only namespaces whose keys are in clear stay. A store of a cluster may let two subjects that are written
    /// at the same moment have the same key; looking that key up is `Corrupt`.
    async fn put(&self, subject: &Subject, replaced: Option<&Subject>) -> Result<(), StoreError>;

    /// Removes a subject, durably. `NotFound` if there is none, `Conflict` if it is not as it was read.
    async fn delete(&self, subject: &Subject) -> Result<(), StoreError>;

    /// The limits that a namespace has of its own; `NotFound` if it has none, `Corrupt` if they cannot be read.
    async fn limits(&self, namespace: &Namespace) -> Result<NamespaceLimits, StoreError>;

    /// Writes a namespace's limits, durably, in place of those it had. The namespace need not be there.
    async fn put_limits(&self, namespace: &Namespace, limits: &NamespaceLimits) -> Result<(), StoreError>;

    /// Removes a namespace's limits, durably. `NotFound` if it has none.
    async fn delete_limits(&self, namespace: &Namespace) -> Result<(), StoreError>;

    /// A subject that OpenWhisk has put into the store and that has keys in clear; `None` if there is none. Stores
    /// that OpenWhisk does not know have none.
    async fn in_clear(&self, _sought: Clear<'_>) -> Result<Option<ClearSubject>, StoreError> {
        Ok(None)
    }

    /// Puts sealed keys in the place of those in clear, by UUID. `Conflict` if the subject is at another
    /// revision.
    async fn seal(&self, clear: &ClearSubject, _sealed: &[SubjectNamespace]) -> Result<(), StoreError> {
        Err(StoreError::NotFound(clear.id.clone()))
    }
}

/// Which activation a request with an idempotency key is, or becomes. Serialised as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The activation.
    pub activation: ActivationId,
    /// Tells the request from others that come with the same key.
    pub fingerprint: String,
    /// Who made it.
    pub by: ControllerId,
    /// When.
    pub made: Timestamp,
    /// When the key is free again.
    pub expires: Timestamp,
    /// Whether the activation has been accepted: it ran, runs or will.
    pub accepted: bool,
}

impl Claim {
    /// Whether this claim stays where another one is made, which may be made in the place of one known.
    pub(crate) fn stands_against(&self, new: &Self, instead_of: Option<&Self>) -> bool {
        self.expires > new.made && instead_of != Some(self)
    }
}

/// What became of an attempt to claim a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claiming {
    /// The claim stands.
    Claimed,
    /// Another one stands.
    Taken(Claim),
}

/// Claims on idempotency keys, each key within its namespace. A key is any short text without slashes.
#[async_trait]
pub trait ClaimStore: Send + Sync {
    /// Claims a key, durably. A claim that stands there stays, unless it has expired at `claim.made` or is
    /// exactly `instead_of`. Of several who claim at the same moment one succeeds.
    async fn claim(
        &self,
        namespace: &Namespace,
        key: &str,
        claim: &Claim,
        instead_of: Option<&Claim>,
    ) -> Result<Claiming, StoreError>;

    /// Withdraws a claim if it is exactly this one.
    async fn withdraw(&self, namespace: &Namespace, key: &str, claim: &Claim) -> Result<(), StoreError>;

    /// Removes claims that have expired at `now`.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError>;
}

/// All four, as one back-end offers them.
#[derive(Clone)]
pub struct Stores {
    /// Entities.
    pub entities: Arc<dyn EntityStore>,
    /// Activation records.
    pub activations: Arc<dyn ActivationStore>,
    /// Subjects.
    pub subjects: Arc<dyn SubjectStore>,
    /// Claims on idempotency keys.
    pub claims: Arc<dyn ClaimStore>,
}
