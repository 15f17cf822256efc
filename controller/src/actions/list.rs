//! `GET …/actions` and `GET …/actions/PACKAGE/`.

use actix_web::HttpResponse;
use whirl_backends::store::Collection;
use whirl_model::EntityPath;

use crate::api_error::ApiError;
use crate::call::Call;
use crate::collections::{self, Listed};
use crate::operation::{InNamespace, Refused};
use crate::query::Page;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/actions",
    tag = "actions",
    params(InNamespace, Page),
    responses((status = 200, description = "Summaries, last changed first, of packaged actions too"), Refused)
)]
pub(crate) async fn all(call: Call) -> Result<HttpResponse, ApiError> {
    collections::list(&call, Collection::Actions).await
}

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/actions/{package}/",
    tag = "actions",
    params(InNamespace, ("package", description = "The package, or a binding to it"), Page),
    responses((status = 200, description = "Summaries, last changed first"), Refused)
)]
pub(crate) async fn of_package(call: Call) -> Result<HttpResponse, ApiError> {
    let path = EntityPath::new(call.namespace()?, call.segment("package").parse()?);
    let reached = call.api.entities.reach(&call.caller.namespace, &path).await?;
    let parent = reached.provider.entity.path.to_string();
    collections::answer(&call, Listed { collection: Collection::Actions, parent, shared: false }).await
}
