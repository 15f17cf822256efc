//! `PUT …/actions/NAME`: creates, or updates where `overwrite` allows it.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_backends::store::NewDocument;
use whirl_model::{Action, ActionPath, Revision};

use super::merge::{Change, PutBody, Rules};
use super::permitted;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::openapi::{AnAction, Refused, RefusedWrite};
use crate::transaction::Transaction;
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
    let path = permitted(&call).await?;
    let api = &call.api;
    let overwrite = call.query()?.boolean("overwrite")?.unwrap_or_default();
    let bytes = body::read(call.request.headers(), payload, api.config.request_body_bytes).await?;
    let change = body::parse::<PutBody>(&bytes)?.check(&api.manifest, &api.config.limits)?;
    drop(bytes);
    let (action, replaced) = decide(api, path, change, overwrite, &call.transaction).await?;
    let written = api.stores.entities.put(NewDocument::from(&action), replaced.as_ref()).await;
    api.changed(action.doc_id()).await;
    written?;
    Ok(reply::json(&action.to_json(true)))
}

/// The action to write and the revision it replaces, if any.
async fn decide(
    api: &Api,
    path: ActionPath,
    change: Change,
    overwrite: bool,
    transaction: &Transaction,
) -> Result<(Action, Option<Revision>), ApiError> {
    let rules = Rules { manifest: &api.manifest, bounds: &api.config.limits };
    match api.entities.action_fresh(&path).await {
        Err(ApiError::Missing) => Ok((change.create(path, rules.bounds, transaction.arrived)?, None)),
        Err(error) => Err(error),
        Ok(_) if !overwrite => Err(ApiError::Exists),
        Ok(old) => {
            let action = change.update(old.entity.clone(), &rules, transaction.arrived)?;
            Ok((action, Some(old.revision.clone())))
        }
    }
}
