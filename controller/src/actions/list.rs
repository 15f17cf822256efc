//! `GET …/actions` and `GET …/actions/PACKAGE/`.

use actix_web::HttpResponse;
use whirl_backends::store::Collection;

use super::why_no_package;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::openapi::{InNamespace, Refused};
use crate::query::Page;
use crate::{collections, entitlement};

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
    params(InNamespace, ("package", description = "The package")),
    responses(Refused)
)]
pub(crate) async fn of_package(call: Call) -> Result<HttpResponse, ApiError> {
    let (namespace, package) = (call.namespace()?, call.segment("package").parse()?);
    entitlement::package(&call.caller.namespace, &namespace, call.segment("package"))?;
    Err(why_no_package(&call.api, &namespace, &package).await)
}
