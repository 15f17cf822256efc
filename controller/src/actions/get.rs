//! `GET …/actions/NAME` and `GET …/actions/PACKAGE/NAME`.

use actix_web::HttpResponse;
use whirl_model::{Action, Json};

use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnAction, Refused};
use crate::reply;
use crate::resolve::Resolved;

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
    let path = call.action_path()?;
    let resolved = call.api.entities.resolve_stored(&call.caller.namespace, &path).await?;
    let with_code = call.query()?.boolean("code")?.unwrap_or(true);
    Ok(reply::json(&shown(&resolved, with_code)))
}

/// The action with the parameters that it inherits.
fn shown(resolved: &Resolved, with_code: bool) -> Json {
    let action = Action { parameters: resolved.parameters(), ..resolved.action().clone() };
    match &resolved.binding {
        Some(binding) if !with_code => action.to_json_through(binding),
        _ => action.to_json(with_code),
    }
}
