//! `/admin/namespaces/{namespace}/limits`: what a namespace may do where that differs from what all may. What
//! applies in the end, `controller/src/limits.rs` tells users.

use actix_web::web::{self, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use whirl_backends::store::StoreError;
use whirl_model::{Json, NamespaceLimits};

use super::{BODY_BYTES, path};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::{body, reply};

/// The limits that a namespace has of its own.
pub(super) async fn get(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let limits = api.stores.subjects.limits(&path::namespace(&request)?).await?;
    Ok(reply::json(&Json::of(&limits)))
}

/// Puts these limits in place of those that the namespace has of its own.
pub(super) async fn put(
    api: web::Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let namespace = path::namespace(&request)?;
    let limits = parse(&body::read(request.headers(), payload, BODY_BYTES).await?)?;
    let written = api.stores.subjects.put_limits(&namespace, &limits).await;
    api.changed_rights(namespace.as_str()).await;
    written?;
    tracing::info!(%namespace, ?limits, "an administrator set limits");
    Ok(reply::json(&Json::of(&limits)))
}

/// Takes its own limits from a namespace. Answers how they were, as far as they could be read.
pub(super) async fn delete(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let namespace = path::namespace(&request)?;
    let limits = match api.stores.subjects.limits(&namespace).await {
        Err(StoreError::Corrupt { .. }) => NamespaceLimits::default(),
        read => read?,
    };
    let deleted = api.stores.subjects.delete_limits(&namespace).await;
    api.changed_rights(namespace.as_str()).await;
    deleted?;
    tracing::info!(%namespace, "an administrator deleted limits");
    Ok(reply::json(&Json::of(&limits)))
}

/// Limits in which every member is known and has a value: a mistyped name would limit nothing.
fn parse(text: &[u8]) -> Result<NamespaceLimits, ApiError> {
    let given: Map<String, Value> = body::parse(text)?;
    let limits: NamespaceLimits = body::parse(text)?;
    let understood = Json::of(&limits);
    match given.keys().find(|name| understood.member(name).is_none()) {
        Some(name) => Err(ApiError::malformed(format!("'{name}' is no limit, or has no value."))),
        None => Ok(limits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_to_be_a_limit() {
        let good = r#"{"invocationsPerMinute":0,"concurrentInvocations":1,"firesPerMinute":2,
            "allowedKinds":["nodejs:20"],"storeActivations":false,"minActionMemory":1,"maxActionMemory":2,
            "minActionLogs":1,"maxActionLogs":2,"minActionTimeout":1,"maxActionTimeout":2,
            "minActionConcurrency":1,"maxActionConcurrency":2,"maxParameterSize":"2 MB",
            "maxPayloadSize":"2 MB","truncationSize":"1 KB","warmedContainerKeepingCount":1,
            "warmedContainerKeepingTimeout":"10 minutes","maxActionInstances":3}"#;
        let limits = parse(good.as_bytes()).unwrap();
        let given: Map<String, Value> = serde_json::from_str(good).unwrap();
        let kept: Map<String, Value> = serde_json::from_str(Json::of(&limits).as_str()).unwrap();
        assert_eq!(kept.keys().collect::<Vec<_>>(), given.keys().collect::<Vec<_>>());
        assert_eq!(parse(b"{}").unwrap(), NamespaceLimits::default());
        for bad in [
            "",
            "[]",
            "null",
            r#"{"invocationPerMinute":1}"#,
            r#"{"invocationsPerMinute":null}"#,
            r#"{"invocationsPerMinute":-1}"#,
            r#"{"invocationsPerMinute":1.5}"#,
            r#"{"invocationsPerMinute":4294967296}"#,
            r#"{"storeActivations":"no"}"#,
            r#"{"maxParameterSize":2}"#,
            r#"{"allowedKinds":"nodejs:20"}"#,
        ] {
            assert!(matches!(parse(bad.as_bytes()), Err(ApiError::Malformed(_))), "{bad}");
        }
    }
}
