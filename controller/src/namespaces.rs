//! `/namespaces`: a credential stands for exactly one.

use actix_web::HttpResponse;
use whirl_model::Json;

use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::Refused;
use crate::reply;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces",
    tag = "namespaces",
    responses((status = 200, description = "The credential's namespace, alone in a list"), Refused)
)]
pub(crate) async fn list(call: Call) -> Result<HttpResponse, ApiError> {
    Ok(reply::json(&Json::of(&[&call.caller.namespace])))
}
