//! `/namespaces/{namespace}/activations`: the records of what ran. They are read here and nowhere written.

use std::time::Duration;

use actix_web::HttpResponse;
use tokio::time::Instant;
use whirl_backends::store::{ActivationQuery, StoreError};
use whirl_model::{ActivationId, ActivationRecord, EntityName, Json, Namespace, Timestamp};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement;
use crate::openapi::{AnActivation, InNamespace, Refused};
use crate::query::{Page, Query};
use crate::reply;

/// How long a reader waits for the stored record, logs included, of an activation whose result was given out
/// already. Then it gets the record without logs.
const STORING: Duration = Duration::from_millis(500);
/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_millis(5);

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations",
    tag = "activations",
    params(
        InNamespace,
        ("name" = Option<String>, Query, description = "`NAME` or `PACKAGE/NAME`"),
        ("since" = Option<u64>, Query, description = "Milliseconds since 1970, inclusive"),
        ("upto" = Option<u64>, Query, description = "Milliseconds since 1970, inclusive"),
        ("docs" = Option<bool>, Query, description = "Whole records"),
        Page,
    ),
    responses((status = 200, description = "Summaries or records, last started first"), Refused)
)]
pub(crate) async fn list(call: Call) -> Result<HttpResponse, ApiError> {
    let namespace = call.namespace()?;
    entitlement::activations(&call.caller.namespace, &namespace)?;
    let wanted = Wanted::of(&call.query()?, namespace)?;
    let store = &call.api.stores.activations;
    if wanted.page.count {
        let total = store.count(&wanted.query).await?;
        return Ok(reply::count("activations", wanted.page.remaining(total)));
    }
    let form = if wanted.docs { ActivationRecord::to_json } else { ActivationRecord::to_summary };
    let records = store.list(&wanted.query).await?;
    Ok(reply::list(&records.iter().map(form).collect::<Vec<_>>()))
}

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations/{id}",
    tag = "activations",
    params(AnActivation),
    responses((status = 200, description = "The record"), Refused)
)]
pub(crate) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    Ok(reply::json(&record(&call).await?.to_json()))
}

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations/{id}/logs",
    tag = "activations",
    params(AnActivation),
    responses((status = 200, description = "`{\"logs\":[…]}`"), Refused)
)]
pub(crate) async fn logs(call: Call) -> Result<HttpResponse, ApiError> {
    let logs = Json::of(&record(&call).await?.logs);
    Ok(reply::json(&Json::of(&std::collections::BTreeMap::from([("logs", logs)]))))
}

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations/{id}/result",
    tag = "activations",
    params(AnActivation),
    responses((status = 200, description = "The response: status, success, result"), Refused)
)]
pub(crate) async fn result(call: Call) -> Result<HttpResponse, ApiError> {
    Ok(reply::json(&record(&call).await?.response.to_json()))
}

/// The record that the path names.
async fn record(call: &Call) -> Result<ActivationRecord, ApiError> {
    let namespace = call.namespace()?;
    let id: ActivationId = call
        .segment("id")
        .parse()
        .map_err(|error: whirl_model::id::ActivationIdError| ApiError::malformed(error.to_string()))?;
    entitlement::activations(&call.caller.namespace, &namespace)?;
    find(&call.api, &namespace, id).await
}

/// The stored record; if a caller has the result already, the one that this controller remembers, should the
/// store be away or late.
async fn find(api: &Api, namespace: &Namespace, id: ActivationId) -> Result<ActivationRecord, ApiError> {
    let deadline = Instant::now() + STORING;
    loop {
        let missing = match api.stores.activations.get(namespace, id).await {
            Ok(record) => return Ok(record),
            Err(error) => error,
        };
        let Some(recent) = api.acknowledgements.recent(namespace, id) else { return Err(missing.into()) };
        let late = matches!(missing, StoreError::NotFound(_)) && Instant::now() < deadline;
        if !late {
            return Ok(ActivationRecord::clone(&recent));
        }
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

/// What a list request asks for.
struct Wanted {
    query: ActivationQuery,
    page: Page,
    docs: bool,
}

impl Wanted {
    fn of(query: &Query, namespace: Namespace) -> Result<Self, ApiError> {
        let page = Page::of(query)?;
        let docs = query.boolean("docs")?.unwrap_or_default();
        if docs && page.count {
            return Err(ApiError::malformed("The parameters 'docs' and 'count' exclude each other."));
        }
        let query = ActivationQuery {
            namespace,
            name: query.text("name").map(filter_name).transpose()?,
            since: query.milliseconds("since")?.map(Timestamp),
            upto: query.milliseconds("upto")?.map(Timestamp),
            skip: page.skip,
            limit: page.limit,
        };
        Ok(Self { query, page, docs })
    }
}

/// `NAME` or `PACKAGE/NAME`.
fn filter_name(text: &str) -> Result<String, ApiError> {
    let segments: Vec<EntityName> = text.split('/').map(str::parse).collect::<Result<_, _>>()?;
    match segments[..] {
        [_] | [_, _] => Ok(text.to_owned()),
        _ => Err(ApiError::malformed("The parameter 'name' has to be NAME or PACKAGE/NAME.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_checked() {
        let read = |text: &str| Wanted::of(&Query::parse(text).unwrap(), "alice".parse().unwrap());
        let wanted = read("name=util/hello&since=5&upto=9&docs=true").unwrap();
        assert_eq!(wanted.query.name.as_deref(), Some("util/hello"));
        assert_eq!((wanted.query.since, wanted.query.upto), (Some(Timestamp(5)), Some(Timestamp(9))));
        assert!(wanted.docs);
        assert_eq!(read("name=").unwrap().query.name, None);
        for bad in ["name=a/b/c", "name=bad!", "name=/a", "since=x", "upto=1.5", "docs=true&count=true"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
