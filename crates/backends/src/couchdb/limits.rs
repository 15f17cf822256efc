//! Limits of namespaces: OpenWhisk's documents `NAMESPACE/limits`, among those of subjects.

use couch_rs::http::StatusCode;
use serde::Deserialize;
use whirl_model::{Json, Namespace, NamespaceLimits};

use super::database::Database;
use super::document::Members;
use super::failure::corrupt;
use crate::store::StoreError;

const READ: &str = "read limits";
const WRITE: &str = "write limits";
const DELETE: &str = "delete limits";

/// How often a write that others get in the way of starts over.
const ATTEMPTS: usize = 10;

fn id_of(namespace: &Namespace) -> String {
    format!("{namespace}/limits")
}

/// The limits in a document; none where they cannot be read.
pub(super) fn read_or_none(document: &Json) -> NamespaceLimits {
    serde_json::from_str(document.as_str()).unwrap_or_else(|error| {
        tracing::warn!(%error, "a namespace's limits cannot be read: it has none of its own");
        NamespaceLimits::default()
    })
}

pub(super) async fn get(database: &Database, namespace: &Namespace) -> Result<NamespaceLimits, StoreError> {
    let id = id_of(namespace);
    let found = database.get::<Json>(&id).await.map_err(|failure| failure.during(READ))?;
    let document = found.ok_or_else(|| StoreError::NotFound(id.clone()))?;
    serde_json::from_str(document.as_str()).map_err(|error| corrupt(&id, error))
}

#[derive(Deserialize)]
struct Present {
    #[serde(rename = "_rev")]
    revision: String,
}

pub(super) async fn put(
    database: &Database,
    namespace: &Namespace,
    limits: &NamespaceLimits,
) -> Result<(), StoreError> {
    let id = id_of(namespace);
    for _ in 0..ATTEMPTS {
        let present = database.get::<Present>(&id).await.map_err(|failure| failure.during(WRITE))?;
        let mut document = Members::from([("_id".to_owned(), Json::of(&id))]);
        document.extend(present.map(|present| ("_rev".to_owned(), Json::of(&present.revision))));
        let members = serde_json::from_str::<Members>(Json::of(limits).as_str());
        document.extend(members.map_err(|error| corrupt(&id, error))?);
        match database.put(&id, Json::of(&document).as_str().to_owned()).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => {}
            outcome => return outcome.map(drop).map_err(|failure| failure.during(WRITE)),
        }
    }
    Err(StoreError::Conflict(id))
}

pub(super) async fn delete(database: &Database, namespace: &Namespace) -> Result<(), StoreError> {
    let id = id_of(namespace);
    for _ in 0..ATTEMPTS {
        let present = database.get::<Present>(&id).await.map_err(|failure| failure.during(DELETE))?;
        let present = present.ok_or_else(|| StoreError::NotFound(id.clone()))?;
        match database.delete(&id, &present.revision.into()).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => {}
            outcome => return outcome.map_err(|failure| failure.during(DELETE)),
        }
    }
    Err(StoreError::Conflict(id))
}
