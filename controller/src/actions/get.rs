//! `GET …/actions/NAME`.

use actix_web::HttpResponse;

use super::permitted;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::openapi::{AnAction, Refused};
use crate::reply;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/actions/{name}",
    tag = "actions",
    params(
        AnAction,
        ("code" = Option<bool>, Query, description = "`false` leaves the code out"),
    ),
    responses((status = 200, description = "The action"), Refused)
)]
pub(crate) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    let path = permitted(&call).await?;
    let with_code = call.query()?.boolean("code")?.unwrap_or(true);
    let stored = call.api.entities.action(&path).await?;
    Ok(reply::json(&stored.entity.to_json(with_code)))
}
