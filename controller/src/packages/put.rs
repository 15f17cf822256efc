//! `PUT …/packages/NAME`: creates a package or a binding, or updates it where `overwrite` allows it.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_backends::store::NewDocument;
use whirl_model::{EntityPath, Namespace, Package, Revision, Timestamp};

use super::merge::{Change, PutBody};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::{body, reply};

/// What actions outside any package are said to be in.
const RESERVED: &str = "default";

#[utoipa::path(
    put,
    path = "/api/v1/namespaces/{namespace}/packages/{name}",
    tag = "packages",
    params(
        AnEntity,
        ("overwrite" = Option<bool>, Query, description = "Update the package if it is there"),
    ),
    responses((status = 200, description = "The package as it is now"), Refused, RefusedWrite)
)]
pub(crate) async fn put(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    if path.name.as_str() == RESERVED {
        return Err(ApiError::malformed("The package name 'default' is reserved."));
    }
    let api = &call.api;
    let overwrite = call.query()?.boolean("overwrite")?.unwrap_or_default();
    let bytes = body::read(call.request.headers(), payload, api.config.request_body_bytes).await?;
    let bounds = call.identity().bounds(&api.config.limits);
    let change = body::parse::<PutBody>(&bytes)?.check(&call.caller.namespace, bounds.parameter_bytes)?;
    drop(bytes);
    if let Some(target) = change.binding() {
        bindable(api, &call.caller.namespace, target).await?;
    }
    let (package, replaced) = decide(api, path, change, overwrite, call.transaction.arrived).await?;
    api.write_entity(NewDocument::from(&package), replaced.as_ref()).await?;
    Ok(reply::json(&package.to_json()))
}

/// Whether `caller` may bind to what is at `target`: a package that it may read, and no binding.
async fn bindable(api: &Api, caller: &Namespace, target: &EntityPath) -> Result<(), ApiError> {
    match api.entities.package_for(caller, target).await {
        Ok(package) if package.entity.binding.is_none() => Ok(()),
        Ok(_) => Err(ApiError::malformed("Cannot bind to another package binding.")),
        Err(ApiError::MissingNamed(_)) => {
            Err(ApiError::malformed("Binding references a package that does not exist."))
        }
        Err(ApiError::NotInCollection) => Err(ApiError::BindsToNoPackage),
        Err(error) => Err(error),
    }
}

/// The package to write and the revision it replaces, if any.
async fn decide(
    api: &Api,
    path: EntityPath,
    change: Change,
    overwrite: bool,
    now: Timestamp,
) -> Result<(Package, Option<Revision>), ApiError> {
    match api.entities.package_fresh(&path).await {
        Err(ApiError::Missing) => Ok((change.create(path, now), None)),
        Err(error) => Err(error),
        Ok(_) if !overwrite => Err(ApiError::Exists),
        Ok(old) => Ok((change.update(old.entity.clone(), now)?, Some(old.revision.clone()))),
    }
}
