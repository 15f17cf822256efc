//! `GET …/packages`: of one's own namespace all, of another's those that are shared.

use actix_web::HttpResponse;
use whirl_backends::store::Collection;

use crate::api_error::ApiError;
use crate::call::Call;
use crate::collections;
use crate::operation::{InNamespace, Refused};
use crate::query::Page;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/packages",
    tag = "packages",
    params(InNamespace, Page),
    responses((status = 200, description = "Summaries, last changed first"), Refused)
)]
pub(crate) async fn list(call: Call) -> Result<HttpResponse, ApiError> {
    collections::list(&call, Collection::Packages).await
}
