//! What a package holds, as its description tells it.

use serde::{Deserialize, Serialize};
use whirl_backends::store::{Collection, EntityQuery, EntityStore, StoreError};
use whirl_model::{EntityName, EntityPath, Json, Parameters, Version};

use crate::api_error::ApiError;

/// An action of a package.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) name: EntityName,
    version: Version,
    annotations: Parameters,
}

impl Content {
    /// Whether it is an action that feeds triggers.
    pub(super) fn is_feed(&self) -> bool {
        self.annotations.get("feed").is_some()
    }
}

/// All actions of a package, last changed first.
pub(super) async fn of(package: &EntityPath, store: &dyn EntityStore) -> Result<Vec<Content>, ApiError> {
    let parent = package.to_string();
    let collection = Collection::Actions;
    let query = EntityQuery { collection, parent, shared: false, skip: 0, limit: u64::MAX };
    let corrupt =
        |source: serde_json::Error| StoreError::Corrupt { id: package.to_string(), source: source.into() };
    let content = |summary: &Json| serde_json::from_str(summary.as_str()).map_err(corrupt);
    Ok(store.list(&query).await?.iter().map(content).collect::<Result<_, _>>()?)
}
