//! `/namespaces/{namespace}/triggers`: one file per operation. What they share is here; lists are in
//! `collections.rs`.

pub(crate) mod delete;
pub(crate) mod fire;
mod firing;
pub(crate) mod get;
mod merge;
pub(crate) mod put;

use whirl_model::EntityPath;

use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement;

/// The trigger that the path names, if the caller may use it.
fn permitted(call: &Call) -> Result<EntityPath, ApiError> {
    let path = call.entity_path()?;
    entitlement::entity(&call.caller.namespace, &path)?;
    Ok(path)
}
