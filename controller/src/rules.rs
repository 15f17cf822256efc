//! `/namespaces/{namespace}/rules`: one file per operation. What they share is here; lists are in
//! `collections.rs`.
//!
//! A rule is two documents: its own, and a link in its trigger's. The link is what a fire follows, and where
//! the status is. It is written first and removed first, so that if the controller dies in between, the same
//! request again sets all right. Until then a rule without a link is inactive, and the action of a link without
//! a rule is still started.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod links;
mod merge;
pub(crate) mod put;
mod reference;
pub(crate) mod status;

use std::sync::Arc;

use whirl_backends::store::NewDocument;
use whirl_model::Trigger;

use crate::api::Api;
use crate::api_error::ApiError;
use crate::entity_cache::Stored;

/// `None` for a trigger that is gone, or whose name something else has now.
fn if_there(
    trigger: Result<Arc<Stored<Trigger>>, ApiError>,
) -> Result<Option<Arc<Stored<Trigger>>>, ApiError> {
    match trigger {
        Ok(trigger) => Ok(Some(trigger)),
        Err(ApiError::Missing | ApiError::NotInCollection) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a trigger whose links have changed; nothing if they have not.
async fn relink(api: &Api, stored: &Stored<Trigger>, changed: &Trigger) -> Result<(), ApiError> {
    if *changed == stored.entity {
        return Ok(());
    }
    Ok(api.write_entity(NewDocument::from(changed), Some(&stored.revision)).await?)
}
