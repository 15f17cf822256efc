//! Subjects: OpenWhisk's documents, in which our keys are a hash and a seal instead of the key itself.
//!
//! CouchDB has no unique index. Whether a key is another subject's is looked up before a write; of two
//! writers at the same moment both may succeed, and then the key is nobody's.

use async_trait::async_trait;
use couch_rs::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Caller, Json, KeyHash, Namespace, NamespaceLimits, Revision, SealedKey, Subject};

use super::CouchdbStore;
use super::design::{HOLDERS, IDENTITIES};
use super::document::Members;
use super::failure::corrupt;
use super::limits;
use super::rows::{Documents, Range, Row, Slice};
use crate::store::{Clear, ClearNamespace, ClearSubject, Holder, Known, StoreError, SubjectStore};

const READ: &str = "read a subject";
const WRITE: &str = "write a subject";
const LOOK_UP: &str = "look a key up";
const LIST: &str = "look a namespace up";
const DELETE: &str = "delete a subject";

/// How often a write that others get in the way of starts over.
const ATTEMPTS: usize = 10;
/// A key belongs to one subject; a second row shows that it does not.
const TWO: Slice = Slice { skip: 0, limit: 2, documents: Documents::Linked };
/// Every row, without what it leads to.
const ALL: Slice = Slice { skip: 0, limit: u64::MAX, documents: Documents::No };

/// A namespace in a subject's document, its key sealed or in clear.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: Namespace,
    uuid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_hash: Option<KeyHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_key: Option<SealedKey>,
}

impl From<&SubjectNamespace> for Entry {
    fn from(namespace: &SubjectNamespace) -> Self {
        Self {
            name: namespace.name.clone(),
            uuid: namespace.uuid.clone(),
            key: None,
            key_hash: Some(namespace.key_hash.clone()),
            sealed_key: Some(namespace.sealed_key.clone()),
        }
    }
}

impl Entry {
    fn sealed(&self) -> Option<SubjectNamespace> {
        Some(SubjectNamespace {
            name: self.name.clone(),
            uuid: self.uuid.clone(),
            key_hash: self.key_hash.clone()?,
            sealed_key: self.sealed_key.clone()?,
        })
    }

    fn in_clear(&self) -> Option<ClearNamespace> {
        let credentials = format!("{}:{}", self.uuid, self.key.as_ref()?).parse().ok()?;
        Some(ClearNamespace { name: self.name.clone(), credentials })
    }
}

/// What a subject's document says. It may hold more, which stays.
#[derive(Deserialize)]
struct Card {
    #[serde(rename = "_rev")]
    revision: String,
    subject: String,
    #[serde(default)]
    namespaces: Vec<Entry>,
    #[serde(default)]
    blocked: Option<bool>,
}

impl Card {
    fn parse(id: &str, document: &Json) -> Result<Self, StoreError> {
        serde_json::from_str(document.as_str()).map_err(|error| corrupt(id, error))
    }

    fn is_blocked(&self) -> bool {
        self.blocked == Some(true)
    }

    /// The subject with the namespaces whose keys are sealed.
    fn to_subject(&self) -> Subject {
        Subject {
            subject: self.subject.clone(),
            namespaces: self.namespaces.iter().filter_map(Entry::sealed).collect(),
            blocked: self.is_blocked(),
        }
    }
}

/// Two subjects have the same key.
#[derive(Debug, thiserror::Error)]
#[error("it is also in '{0}'")]
struct TwoOwners(String);

/// What the view of holders tells of a namespace.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entrance {
    subject: String,
    blocked: bool,
    namespace: Namespace,
    uuid: String,
    sealed_key: SealedKey,
}

impl Entrance {
    fn of(row: &Row) -> Result<Self, StoreError> {
        serde_json::from_str(row.value.as_str()).map_err(|error| corrupt(&row.id, error))
    }

    fn into_holder(self) -> Holder {
        let Self { subject, blocked, namespace, uuid, sealed_key } = self;
        Holder { caller: Caller { subject, namespace, uuid, sealed_key }, blocked }
    }
}

/// Who a row of the view of holders is of, with the limits that it leads to; `None` for a blocked subject's.
fn known(row: &Row) -> Result<Option<Known>, StoreError> {
    let Holder { caller, blocked } = Entrance::of(row)?.into_holder();
    let limits = row.doc.as_ref().map(limits::read_or_none).unwrap_or_default();
    Ok((!blocked).then_some(Known { caller, limits }))
}

/// The rows of a namespace in the view of holders, those of the last subject first.
fn of_namespace(namespace: &Namespace) -> Range {
    Range { newest: json!(["namespace", namespace, {}]), oldest: json!(["namespace", namespace]) }
}

#[async_trait]
impl SubjectStore for CouchdbStore {
    async fn by_key(&self, hash: &KeyHash) -> Result<Option<Known>, StoreError> {
        self.entrance(hash).await?.map_or(Ok(None), |row| known(&row))
    }

    async fn by_namespace(&self, namespace: &Namespace) -> Result<Option<Known>, StoreError> {
        let slice = Slice { documents: Documents::Linked, ..ALL };
        let rows = self.subjects.rows(HOLDERS, &of_namespace(namespace), slice).await;
        let rows = rows.map_err(|failure| failure.during(LIST))?;
        rows.iter().rev().find_map(|row| known(row).transpose()).transpose()
    }

    async fn holders(&self, namespace: &Namespace) -> Result<Vec<Holder>, StoreError> {
        let rows = self.subjects.rows(HOLDERS, &of_namespace(namespace), ALL).await;
        let rows = rows.map_err(|failure| failure.during(LIST))?;
        rows.iter().rev().map(|row| Entrance::of(row).map(Entrance::into_holder)).collect()
    }

    async fn get(&self, subject: &str) -> Result<Subject, StoreError> {
        let found = self.subjects.get::<Json>(subject).await.map_err(|failure| failure.during(READ))?;
        let document = found.ok_or_else(|| StoreError::NotFound(subject.to_owned()))?;
        Ok(Card::parse(subject, &document)?.to_subject())
    }

    async fn put(&self, subject: &Subject, replaced: Option<&Subject>) -> Result<(), StoreError> {
        let name = &subject.subject;
        for namespace in &subject.namespaces {
            if self.entrance(&namespace.key_hash).await?.is_some_and(|row| row.id != *name) {
                return Err(StoreError::Conflict(name.clone()));
            }
        }
        // What is in the document besides the subject may change meanwhile.
        for _ in 1..ATTEMPTS {
            match self.replace(subject, replaced).await? {
                Written::Yes => return Ok(()),
                Written::InTheWay => {}
            }
        }
        match self.replace(subject, replaced).await? {
            Written::Yes => Ok(()),
            Written::InTheWay => Err(StoreError::Conflict(name.clone())),
        }
    }

    async fn delete(&self, subject: &Subject) -> Result<(), StoreError> {
        let name = &subject.subject;
        let found = self.subjects.get::<Json>(name).await.map_err(|failure| failure.during(DELETE))?;
        let card = Card::parse(name, &found.ok_or_else(|| StoreError::NotFound(name.clone()))?)?;
        if card.to_subject() != *subject {
            return Err(StoreError::Conflict(name.clone()));
        }
        match self.subjects.delete(name, &card.revision.into()).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => Err(StoreError::Conflict(name.clone())),
            outcome => outcome.map_err(|failure| failure.during(DELETE)),
        }
    }

    async fn limits(&self, namespace: &Namespace) -> Result<NamespaceLimits, StoreError> {
        limits::get(&self.subjects, namespace).await
    }

    async fn put_limits(&self, namespace: &Namespace, limits: &NamespaceLimits) -> Result<(), StoreError> {
        limits::put(&self.subjects, namespace, limits).await
    }

    async fn delete_limits(&self, namespace: &Namespace) -> Result<(), StoreError> {
        limits::delete(&self.subjects, namespace).await
    }

    async fn in_clear(&self, sought: Clear<'_>) -> Result<Option<ClearSubject>, StoreError> {
        let Some(id) = self.id_in_clear(sought).await? else { return Ok(None) };
        let found = self.subjects.get::<Json>(&id).await.map_err(|failure| failure.during(READ))?;
        let Some(document) = found else { return Ok(None) };
        let card = Card::parse(&id, &document)?;
        let namespaces: Vec<_> = card.namespaces.iter().filter_map(Entry::in_clear).collect();
        let may_be_blocked = matches!(sought, Clear::Subject(_));
        if namespaces.is_empty() || (card.is_blocked() && !may_be_blocked) {
            return Ok(None);
        }
        Ok(Some(ClearSubject { id, subject: card.subject, revision: card.revision.into(), namespaces }))
    }

    async fn seal(&self, clear: &ClearSubject, sealed: &[SubjectNamespace]) -> Result<(), StoreError> {
        let id = &clear.id;
        let found = self.subjects.get::<Members>(id).await.map_err(|failure| failure.during(READ))?;
        let mut document = found.ok_or_else(|| StoreError::Conflict(id.clone()))?;
        let mut card = Card::parse(id, &Json::of(&document))?;
        if card.revision != clear.revision.as_str() {
            return Err(StoreError::Conflict(id.clone()));
        }
        for entry in &mut card.namespaces {
            if let Some(namespace) = sealed.iter().find(|n| n.uuid == entry.uuid) {
                *entry = namespace.into();
            }
        }
        document.insert("namespaces".to_owned(), Json::of(&card.namespaces));
        match self.write_subject(id, &document).await? {
            Written::Yes => Ok(()),
            Written::InTheWay => Err(StoreError::Conflict(id.clone())),
        }
    }
}

/// Whether a document was written.
enum Written {
    Yes,
    /// Somebody else wrote it meanwhile.
    InTheWay,
}

impl CouchdbStore {
    /// The row of a key's subject, blocked or not.
    async fn entrance(&self, hash: &KeyHash) -> Result<Option<Row>, StoreError> {
        let range = Range { newest: json!(["key", hash]), oldest: json!(["key", hash]) };
        let rows = self.subjects.rows(HOLDERS, &range, TWO).await;
        let mut rows = rows.map_err(|failure| failure.during(LOOK_UP))?;
        match rows.as_slice() {
            [one, other] => Err(corrupt(&one.id, TwoOwners(other.id.clone()))),
            _ => Ok(rows.pop()),
        }
    }

    /// The id of the document that has what is sought with a key in clear.
    async fn id_in_clear(&self, sought: Clear<'_>) -> Result<Option<String>, StoreError> {
        let range = match sought {
            Clear::Subject(name) => return Ok(Some(name.to_owned())),
            Clear::Uuid(uuid) => Range { newest: json!([uuid, {}]), oldest: json!([uuid]) },
            Clear::Namespace(name) => Range { newest: json!([name]), oldest: json!([name]) },
        };
        let rows = self.subjects.rows(IDENTITIES, &range, ALL).await;
        let mut rows = rows.map_err(|failure| failure.during(LOOK_UP))?;
        // A namespace may be called like the UUID; the row of its name has no second part.
        let by_uuid = matches!(sought, Clear::Uuid(_));
        let in_clear = |row: &Row| row.value.member("key").is_some_and(|key| !key.is_null());
        rows.retain(|row| if by_uuid { row.key[1].is_string() } else { in_clear(row) });
        match rows.as_slice() {
            [one, other, ..] if by_uuid => Err(corrupt(&one.id, TwoOwners(other.id.clone()))),
            rows => Ok(rows.last().map(|row| row.id.clone())),
        }
    }

    /// Writes a subject over its document as it is now. Namespaces whose keys are still in clear stay unless
    /// the subject has them.
    async fn replace(&self, subject: &Subject, replaced: Option<&Subject>) -> Result<Written, StoreError> {
        let id = &subject.subject;
        let found = self.subjects.get::<Members>(id).await.map_err(|failure| failure.during(READ))?;
        let card = found.as_ref().map(|document| Card::parse(id, &Json::of(document))).transpose()?;
        if card.as_ref().map(Card::to_subject).as_ref() != replaced {
            return Err(StoreError::Conflict(id.clone()));
        }
        let mut document = found.unwrap_or_else(|| Members::from([("_id".to_owned(), Json::of(id))]));
        let mut namespaces: Vec<Entry> = subject.namespaces.iter().map(Entry::from).collect();
        let entries = card.into_iter().flat_map(|card| card.namespaces);
        namespaces.extend(entries.filter(|entry| {
            let is_ours = |n: &SubjectNamespace| n.uuid == entry.uuid || n.name == entry.name;
            entry.key.is_some() && !subject.namespaces.iter().any(is_ours)
        }));
        document.insert("subject".to_owned(), Json::of(id));
        document.insert("namespaces".to_owned(), Json::of(&namespaces));
        match subject.blocked {
            true => document.insert("blocked".to_owned(), Json::of(&true)),
            false => document.shift_remove("blocked"),
        };
        self.write_subject(id, &document).await
    }

    async fn write_subject(&self, id: &str, document: &Members) -> Result<Written, StoreError> {
        let text = Json::of(document).as_str().to_owned();
        match self.subjects.put(id, text).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => Ok(Written::InTheWay),
            outcome => outcome.map(|_: Revision| Written::Yes).map_err(|failure| failure.during(WRITE)),
        }
    }
}
