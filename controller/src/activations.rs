//! `/namespaces/{namespace}/activations`: the records of what ran. They are read here and nowhere written.

use std::time::Duration;

use actix_web::HttpResponse;
use tokio::time::Instant;
use whirl_backends::store::StoreError;
use whirl_model::{ActivationId, ActivationRecord, Json, Namespace};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnActivation, Refused};
use crate::{entitlement, reply};

pub(crate) mod follow;
pub(crate) mod list;
pub(crate) mod state;

/// How long a reader waits for the stored record, logs included, of an activation whose result was given out
/// already. Then it gets the record without logs.
const STORING: Duration = Duration::from_millis(500);
/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_millis(5);

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
    let (namespace, id) = named(call)?;
    find(&call.api, &namespace, id).await
}

/// The activation that the path names, of a namespace whose activations the caller may read.
fn named(call: &Call) -> Result<(Namespace, ActivationId), ApiError> {
    let namespace = call.namespace()?;
    let id = call
        .segment("id")
        .parse()
        .map_err(|error: whirl_model::id::ActivationIdError| ApiError::malformed(error.to_string()))?;
    entitlement::namespace(&call.caller.namespace, &namespace)?;
    Ok((namespace, id))
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
