//! `GET …/triggers/NAME`.

use actix_web::HttpResponse;

use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused};
use crate::reply;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/triggers/{name}",
    tag = "triggers",
    params(AnEntity),
    responses((status = 200, description = "The trigger with its rules"), Refused)
)]
pub(crate) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let stored = call.api.entities.trigger_fresh(&path).await?;
    Ok(reply::json(&stored.entity.to_json()))
}
