//! Lists of entities: the same parameters and order for actions, packages, triggers and rules.

use actix_web::HttpResponse;
use whirl_backends::store::{Collection, EntityQuery};

use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement::{self, Visible};
use crate::operation::{InNamespace, Refused};
use crate::query::Page;
use crate::reply;

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

/// All entities of one sort in the path's namespace, as far as the caller may see them.
pub(crate) async fn list(call: &Call, collection: Collection) -> Result<HttpResponse, ApiError> {
    let namespace = call.namespace()?;
    let visible = entitlement::list(&call.caller.namespace, &namespace, collection)?;
    let shared = visible == Visible::Shared;
    answer(call, Listed { collection, parent: namespace.to_string(), shared }).await
}

/// What a list is of.
pub(crate) struct Listed {
    /// Their sort.
    pub(crate) collection: Collection,
    /// A namespace, or a package with its namespace.
    pub(crate) parent: String,
    /// Only packages that are shared.
    pub(crate) shared: bool,
}

/// The page, or the number, that the query asks for.
pub(crate) async fn answer(call: &Call, listed: Listed) -> Result<HttpResponse, ApiError> {
    let page = Page::of(&call.query()?)?;
    let Listed { collection, parent, shared } = listed;
    let query = EntityQuery { collection, parent, shared, skip: page.skip, limit: page.limit };
    let entities = &call.api.stores.entities;
    if page.count {
        return Ok(reply::count(collection.plural(), page.remaining(entities.count(&query).await?)));
    }
    Ok(reply::list(&entities.list(&query).await?))
}
