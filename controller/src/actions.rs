//! `/namespaces/{namespace}/actions`: one file per operation. What they share is here.

pub(crate) mod delete;
mod exec;
pub(crate) mod get;
pub(crate) mod invoke;
pub(crate) mod list;
mod merge;
pub(crate) mod put;

pub(crate) use exec::runtime_of;
use whirl_backends::store::{Collection, StoreError};
use whirl_model::{ActionPath, DocId, EntityName, Namespace};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement;

/// The action that the path names, if the caller may use it and it can exist.
async fn permitted(call: &Call) -> Result<ActionPath, ApiError> {
    let path = call.action_path()?;
    entitlement::action(&call.caller.namespace, &path)?;
    match &path.package {
        None => Ok(path),
        Some(package) => Err(why_no_package(&call.api, &path.namespace, package).await),
    }
}

/// Why nothing can be done in a package: it is missing, or its id is another entity's. Packages themselves
/// cannot be created yet.
async fn why_no_package(api: &Api, namespace: &Namespace, package: &EntityName) -> ApiError {
    let id = ActionPath::in_default_package(namespace.clone(), package.clone());
    match api.stores.entities.get(&DocId::from(&id)).await {
        Ok(document) if document.collection != Collection::Packages => ApiError::NotInCollection,
        Ok(_) | Err(StoreError::NotFound(_)) => ApiError::MissingNamed(id.to_string()),
        Err(error) => error.into(),
    }
}
