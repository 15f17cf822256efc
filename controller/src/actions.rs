//! `/namespaces/{namespace}/actions`: one file per operation. What they share is here.

pub(crate) mod delete;
mod exec;
pub(crate) mod get;
pub(crate) mod invoke;
pub(crate) mod list;
mod merge;
pub(crate) mod put;

use whirl_model::ActionPath;

use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement;

/// The action that the path names, if the caller may write or delete it.
fn owned(call: &Call) -> Result<ActionPath, ApiError> {
    let path = call.action_path()?;
    entitlement::action(&call.caller.namespace, &path)?;
    Ok(path)
}

/// Whether an action can be written or deleted where it is to be: not in a package that is missing, and not
/// through a binding.
async fn check_package(api: &Api, path: &ActionPath) -> Result<(), ApiError> {
    let Some(package) = path.package_path() else { return Ok(()) };
    match api.entities.package_fresh(&package).await {
        Ok(stored) if stored.entity.binding.is_some() => {
            Err(ApiError::malformed("Operation not permitted on package binding."))
        }
        Ok(_) => Ok(()),
        Err(ApiError::Missing) => Err(ApiError::MissingNamed(package.to_string())),
        Err(error) => Err(error),
    }
}
