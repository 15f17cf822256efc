//! Lists of entities: the same rights, parameters and order for actions, packages, triggers and rules.

use actix_web::HttpResponse;
use whirl_backends::store::{Collection, EntityQuery};

use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement::{self, Visible};
use crate::openapi::{InNamespace, Refused};
use crate::query::Page;
use crate::reply;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/packages",
    tag = "packages",
    params(InNamespace, Page),
    responses((status = 200, description = "Summaries, last changed first"), Refused)
)]
pub(crate) async fn packages(call: Call) -> Result<HttpResponse, ApiError> {
    list(&call, Collection::Packages).await
}

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/triggers",
    tag = "triggers",
    params(InNamespace, Page),
    responses((status = 200, description = "Summaries, last changed first"), Refused)
)]
pub(crate) async fn triggers(call: Call) -> Result<HttpResponse, ApiError> {
    list(&call, Collection::Triggers).await
}

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/rules",
    tag = "rules",
    params(InNamespace, Page),
    responses((status = 200, description = "Summaries, last changed first"), Refused)
)]
pub(crate) async fn rules(call: Call) -> Result<HttpResponse, ApiError> {
    list(&call, Collection::Rules).await
}

/// All entities of one sort in the path's namespace.
pub(crate) async fn list(call: &Call, collection: Collection) -> Result<HttpResponse, ApiError> {
    let namespace = call.namespace()?;
    let visible = entitlement::list(&call.caller.namespace, &namespace, collection)?;
    let page = Page::of(&call.query()?)?;
    // No package can be shared yet, so that of another's packages none shows.
    if visible == Visible::Shared {
        return Ok(if page.count { reply::count(collection.plural(), 0) } else { reply::list(&[]) });
    }
    let query = EntityQuery {
        collection,
        parent: namespace.to_string(),
        shared: false,
        skip: page.skip,
        limit: page.limit,
    };
    let entities = &call.api.stores.entities;
    if page.count {
        return Ok(reply::count(collection.plural(), page.remaining(entities.count(&query).await?)));
    }
    Ok(reply::list(&entities.list(&query).await?))
}
