//! `PUT …/actions/NAME`: creates, or updates where `overwrite` allows it.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_backends::store::NewDocument;

use super::merge::{PutBody, Rules};
use super::{check_package, owned};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnAction, Refused, RefusedWrite};
use crate::{body, reply};

#[utoipa::path(
    put,
    path = "/api/v1/namespaces/{namespace}/actions/{name}",
    tag = "actions",
    params(
        AnAction,
        ("overwrite" = Option<bool>, Query, description = "Update the action if it is there"),
    ),
    responses(
        (status = 200, description = "The action as it is now"),
        Refused,
        RefusedWrite,
    )
)]
pub(crate) async fn put(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = owned(&call)?;
    let api = &call.api;
    let overwrite = call.query()?.boolean("overwrite")?.unwrap_or_default();
    let bytes = body::read(call.request.headers(), payload, api.config.request_body_bytes).await?;
    let identity = call.identity();
    let bounds = identity.bounds(&api.config.limits);
    let rules = Rules { manifest: &api.manifest, bounds: &bounds, caller: identity.namespace() };
    let change = body::parse::<PutBody>(&bytes)?.check(&rules)?;
    drop(bytes);
    check_package(api, &path).await?;
    if let Some(components) = change.components() {
        api.check_components(identity.namespace(), &path, components).await?;
    }
    let now = call.transaction.arrived;
    let (action, replaced) = match api.entities.action_fresh(&path).await {
        Err(ApiError::Missing) => (change.create(path, rules.bounds, now)?, None),
        Err(error) => return Err(error),
        Ok(_) if !overwrite => return Err(ApiError::Exists),
        Ok(old) => (change.update(old.entity.clone(), &rules, now)?, Some(old.revision.clone())),
    };
    identity.may_use(&action.exec.kind())?;
    api.write_entity(NewDocument::from(&action), replaced.as_ref()).await?;
    Ok(reply::json(&action.to_json(true)))
}
