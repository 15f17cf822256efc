//! APIs in the entity store: one document each, whose id holds a `:`, which no entity's name has.

use serde::Serialize;
use whirl_backends::store::{Collection, EntityQuery, EntityStore, NewDocument, StoreError};
use whirl_model::{DocId, Json, Namespace, Revision, Timestamp};

use super::document::{ApiDocument, Reader};
use super::path::BasePath;
use crate::api_error::ApiError;

const MARK: &str = "/api:";
/// How many are read at once.
const PAGE: u64 = 200;

/// What is kept of an API.
#[derive(Serialize)]
struct Kept<'a> {
    namespace: &'a Namespace,
    name: Option<String>,
    updated: Timestamp,
    apidoc: Json,
}

/// The id of a namespace's API.
pub(super) fn doc_id(namespace: &Namespace, base_path: &BasePath) -> DocId {
    DocId::from(format!("{namespace}{MARK}{}", base_path.as_str()).as_str())
}

/// Whose API this document is, if it is one.
pub(super) fn owner(id: &DocId) -> Option<Namespace> {
    id.as_str().split_once(MARK).and_then(|(namespace, _)| namespace.parse().ok())
}

/// An API as it is to be written.
pub(super) fn document(namespace: &Namespace, api: &ApiDocument, now: Timestamp) -> NewDocument {
    let kept = Kept { namespace, name: api.title(), updated: now, apidoc: api.to_json() };
    let body = Json::of(&kept);
    NewDocument {
        id: doc_id(namespace, api.base_path()),
        collection: Collection::Apis,
        parent: namespace.to_string(),
        updated: now,
        summary: body.clone(),
        body,
        attachment: None,
    }
}

/// One of a namespace's APIs, and the state of its document.
pub(super) async fn one(
    store: &dyn EntityStore,
    namespace: &Namespace,
    base_path: &BasePath,
) -> Result<Option<(ApiDocument, Revision)>, ApiError> {
    match store.get(&doc_id(namespace, base_path)).await {
        Ok(found) => Ok(Some((read(namespace, &found.body)?, found.revision))),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All APIs of a namespace, the last written first.
pub(super) async fn all(
    store: &dyn EntityStore,
    namespace: &Namespace,
) -> Result<Vec<ApiDocument>, ApiError> {
    let mut documents = Vec::new();
    loop {
        let query = EntityQuery {
            collection: Collection::Apis,
            parent: namespace.to_string(),
            shared: false,
            skip: documents.len() as u64,
            limit: PAGE,
        };
        let page = store.list(&query).await?;
        let is_last = (page.len() as u64) < PAGE;
        for body in page {
            documents.push(read(namespace, &body)?);
        }
        if is_last {
            return Ok(documents);
        }
    }
}

fn read(namespace: &Namespace, body: &Json) -> Result<ApiDocument, ApiError> {
    let corrupt = |why: String| {
        ApiError::from(StoreError::Corrupt { id: format!("{namespace}{MARK}"), source: why.into() })
    };
    let described = body.member("apidoc").ok_or_else(|| corrupt("it has no 'apidoc'".to_owned()))?;
    let reader = Reader { tenant: namespace, origin: "" };
    ApiDocument::read(&described, reader).map_err(|error| corrupt(error.to_string()))
}
