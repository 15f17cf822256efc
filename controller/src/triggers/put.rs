//! `PUT …/triggers/NAME`: creates, or updates where `overwrite` allows it.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_backends::store::NewDocument;
use whirl_model::{EntityPath, Timestamp, Trigger};

use super::merge::Change;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::undisturbed::undisturbed;
use crate::{body, reply};

#[utoipa::path(
    put,
    path = "/api/v1/namespaces/{namespace}/triggers/{name}",
    tag = "triggers",
    params(
        AnEntity,
        ("overwrite" = Option<bool>, Query, description = "Update the trigger if it is there"),
    ),
    responses((status = 200, description = "The trigger as it is now"), Refused, RefusedWrite)
)]
pub(crate) async fn put(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let api = &call.api;
    let overwrite = call.query()?.boolean("overwrite")?.unwrap_or_default();
    let bytes = body::read(call.request.headers(), payload, api.config.request_body_bytes).await?;
    let change: Change = body::parse(&bytes)?;
    change.check(call.identity().bounds(&api.config.limits).parameter_bytes)?;
    let wanted = Wanted { path, change, overwrite, now: call.transaction.arrived };
    let trigger = undisturbed(async || write(api, &wanted).await).await?;
    Ok(reply::json(&trigger.to_json()))
}

/// What a request asks for.
struct Wanted {
    path: EntityPath,
    change: Change,
    overwrite: bool,
    now: Timestamp,
}

async fn write(api: &Api, wanted: &Wanted) -> Result<Trigger, ApiError> {
    let Wanted { path, change, overwrite, now } = wanted;
    let (trigger, replaced) = match api.entities.trigger_fresh(path).await {
        Err(ApiError::Missing) => (change.clone().create(path.clone(), *now)?, None),
        Err(error) => return Err(error),
        Ok(_) if !overwrite => return Err(ApiError::Exists),
        Ok(old) => (change.clone().update(old.entity.clone(), *now), Some(old.revision.clone())),
    };
    api.write_entity(NewDocument::from(&trigger), replaced.as_ref()).await?;
    Ok(trigger)
}
