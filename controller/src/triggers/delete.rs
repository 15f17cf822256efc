//! `DELETE …/triggers/NAME`. Its rules stay, inactive.

use actix_web::HttpResponse;

use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::reply;
use crate::undisturbed::undisturbed;

#[utoipa::path(
    delete,
    path = "/api/v1/namespaces/{namespace}/triggers/{name}",
    tag = "triggers",
    params(AnEntity),
    responses((status = 200, description = "The trigger that was deleted"), Refused, RefusedWrite)
)]
pub(crate) async fn delete(call: Call) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let api = &call.api;
    let deleted = undisturbed(async || {
        let stored = api.entities.trigger_fresh(&path).await?;
        api.delete_entity(stored.entity.doc_id(), &stored.revision).await?;
        Ok(stored)
    });
    Ok(reply::json(&deleted.await?.entity.to_json()))
}
