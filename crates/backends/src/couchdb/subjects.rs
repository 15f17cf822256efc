//! Subjects: OpenWhisk's documents, in which our keys are a hash and a seal instead of the key itself.
//!
//! CouchDB has no unique index. Whether a key is another subject's is looked up before a write; of two
//! writers at the same moment both may succeed, and then the key is nobody's.

use async_trait::async_trait;
use couch_rs::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Caller, Json, KeyHash, Namespace, Revision, SealedKey, Subject};

use super::CouchdbStore;
use super::design::{IDENTITIES, KEYS};
use super::document::Members;
use super::failure::corrupt;
use super::rows::{Range, Slice};
use crate::store::{ClearNamespace, ClearSubject, StoreError, SubjectStore};

const READ: &str = "read a subject";
const WRITE: &str = "write a subject";
const LOOK_UP: &str = "look a key up";

/// How often a write that others get in the way of starts over.
const ATTEMPTS: usize = 10;
/// A key belongs to one subject; a second row shows that it does not.
const TWO: Slice = Slice { skip: 0, limit: 2, documents: true };

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

#[async_trait]
impl SubjectStore for CouchdbStore {
    async fn by_key(&self, hash: &KeyHash) -> Result<Option<Caller>, StoreError> {
        let Some((id, document)) = self.owner(hash).await? else { return Ok(None) };
        let Subject { subject, namespaces, blocked } = Card::parse(&id, &document)?.to_subject();
        let namespace = namespaces.into_iter().find(|n| n.key_hash == *hash && !blocked);
        Ok(namespace.map(|n| Caller { subject, namespace: n.name, uuid: n.uuid, sealed_key: n.sealed_key }))
    }

    async fn get(&self, subject: &str) -> Result<Subject, StoreError> {
        let found = self.subjects.get::<Json>(subject).await.map_err(|failure| failure.during(READ))?;
        let document = found.ok_or_else(|| StoreError::NotFound(subject.to_owned()))?;
        Ok(Card::parse(subject, &document)?.to_subject())
    }

    async fn put(&self, subject: &Subject) -> Result<(), StoreError> {
        let name = &subject.subject;
        for namespace in &subject.namespaces {
            if self.owner(&namespace.key_hash).await?.is_some_and(|(id, _)| id != *name) {
                return Err(StoreError::Conflict(name.clone()));
            }
        }
        for _ in 1..ATTEMPTS {
            match self.replace(subject).await {
                Err(StoreError::Conflict(_)) => {}
                outcome => return outcome,
            }
        }
        self.replace(subject).await
    }

    async fn in_clear(&self, uuid: &str) -> Result<Option<ClearSubject>, StoreError> {
        let range = Range { newest: json!([uuid, {}]), oldest: json!([uuid]) };
        let slice = Slice { documents: false, ..TWO };
        let rows = self.subjects.rows(IDENTITIES, &range, slice).await;
        // A namespace may be called like the UUID; the row of its name has no second part.
        let mut rows = rows.map_err(|failure| failure.during(LOOK_UP))?;
        rows.retain(|row| row.key[1].is_string());
        let id = match rows.as_slice() {
            [] => return Ok(None),
            [one] => &one.id,
            [one, other, ..] => return Err(corrupt(&one.id, TwoOwners(other.id.clone()))),
        };
        let found = self.subjects.get::<Json>(id).await.map_err(|failure| failure.during(READ))?;
        let Some(document) = found else { return Ok(None) };
        let card = Card::parse(id, &document)?;
        Ok((!card.is_blocked()).then(|| ClearSubject {
            namespaces: card.namespaces.iter().filter_map(Entry::in_clear).collect(),
            id: id.clone(),
            subject: card.subject,
            revision: card.revision.into(),
        }))
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
        self.write_subject(id, &document).await
    }
}

impl CouchdbStore {
    /// The subject that has a key, blocked or not: its document's id and the document.
    async fn owner(&self, hash: &KeyHash) -> Result<Option<(String, Json)>, StoreError> {
        let range = Range { newest: json!(hash), oldest: json!(hash) };
        let rows = self.subjects.rows(KEYS, &range, TWO).await.map_err(|failure| failure.during(LOOK_UP))?;
        match rows.as_slice() {
            [one, other] => Err(corrupt(&one.id, TwoOwners(other.id.clone()))),
            rows => Ok(rows.first().and_then(|row| Some((row.id.clone(), row.doc.clone()?)))),
        }
    }

    /// Writes a subject over its document as it is now. Namespaces whose keys are still in clear stay unless
    /// the subject has them.
    async fn replace(&self, subject: &Subject) -> Result<(), StoreError> {
        let id = &subject.subject;
        let found = self.subjects.get::<Members>(id).await.map_err(|failure| failure.during(READ))?;
        let mut document = found.unwrap_or_else(|| Members::from([("_id".to_owned(), Json::of(id))]));
        let mut namespaces: Vec<Entry> = subject.namespaces.iter().map(Entry::from).collect();
        if document.contains_key("_rev") {
            let kept = Card::parse(id, &Json::of(&document))?.namespaces.into_iter().filter(|entry| {
                let is_ours = |n: &SubjectNamespace| n.uuid == entry.uuid || n.name == entry.name;
                entry.key.is_some() && !subject.namespaces.iter().any(is_ours)
            });
            namespaces.extend(kept);
        }
        document.insert("subject".to_owned(), Json::of(id));
        document.insert("namespaces".to_owned(), Json::of(&namespaces));
        match subject.blocked {
            true => document.insert("blocked".to_owned(), Json::of(&true)),
            false => document.shift_remove("blocked"),
        };
        self.write_subject(id, &document).await
    }

    async fn write_subject(&self, id: &str, document: &Members) -> Result<(), StoreError> {
        let text = Json::of(document).as_str().to_owned();
        match self.subjects.put(id, text).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => Err(StoreError::Conflict(id.to_owned())),
            outcome => outcome.map(|_: Revision| ()).map_err(|failure| failure.during(WRITE)),
        }
    }
}
