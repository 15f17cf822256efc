//! `GET …/packages/NAME`: a package with what it holds, or a binding with what its provider holds.

use actix_web::HttpResponse;
use whirl_model::{Json, Package};

use super::contents::{self, Content};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused};
use crate::reply;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/packages/{name}",
    tag = "packages",
    params(AnEntity),
    responses(
        (status = 200, description = "The package with its actions and feeds"),
        (status = 409, description = "It is no package."),
        (status = 422, description = "It is a binding that leads to no package."),
        Refused,
    )
)]
pub(crate) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    let path = call.entity_path()?;
    let reached = call.api.entities.reach(&call.caller.namespace, &path).await?;
    let contents = contents::of(&reached.provider.entity.path, &*call.api.stores.entities).await?;
    let (feeds, actions): (Vec<_>, Vec<_>) = contents.into_iter().partition(Content::is_feed);
    let package = Package { parameters: reached.parameters(), ..reached.named().clone() };
    let to_json = |contents: Vec<Content>| contents.iter().map(Json::of).collect();
    Ok(reply::json(&package.to_json_with(to_json(actions), to_json(feeds))))
}
