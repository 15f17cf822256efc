//! `DELETE …/actions/NAME`.

use actix_web::HttpResponse;

use super::{check_package, owned};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnAction, Refused, RefusedWrite};
use crate::reply;

#[utoipa::path(
    delete,
    path = "/api/v1/namespaces/{namespace}/actions/{name}",
    tag = "actions",
    params(AnAction),
    responses((status = 200, description = "The action that was deleted"), Refused, RefusedWrite)
)]
pub(crate) async fn delete(call: Call) -> Result<HttpResponse, ApiError> {
    let path = owned(&call)?;
    check_package(&call.api, &path).await?;
    let stored = call.api.entities.action_fresh(&path).await?;
    call.api.delete_entity(stored.entity.doc_id(), &stored.revision).await?;
    Ok(reply::json(&stored.entity.to_json(true)))
}
