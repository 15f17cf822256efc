//! `/namespaces/{namespace}/limits`: what applies to a namespace, its own limits over the platform's.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use whirl_model::{Json, NamespaceLimits};

use crate::api_error::ApiError;
use crate::call::Call;
use crate::config::ControllerConfig;
use crate::operation::{InNamespace, Refused};
use crate::{entitlement, reply};

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/limits",
    tag = "namespaces",
    params(InNamespace),
    responses((status = 200, description = "The limits that apply to the namespace"), Refused)
)]
pub(crate) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    let owner = call.namespace()?;
    entitlement::namespace(&call.caller.namespace, &owner)?;
    Ok(reply::json(&Json::of(&effective(&call.limits, &call.api.config))))
}

/// There is nothing below the limits.
#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/limits/{part}",
    tag = "namespaces",
    params(InNamespace, ("part" = String, Path, description = "Anything")),
    responses(Refused)
)]
pub(crate) async fn part(call: Call) -> Result<HttpResponse, ApiError> {
    call.namespace()?;
    Err(ApiError::malformed("Limits have no parts: read them as a whole."))
}

/// What applies: the members that always do, then those of the namespace's own that are left. Memory and logs are
/// in mebibytes, times in milliseconds.
fn effective(own: &NamespaceLimits, config: &ControllerConfig) -> Map<String, Value> {
    let (bounds, throttles) = (own.bounds(&config.limits), &config.throttles);
    let always = json!({
        "invocationsPerMinute": own.invocations_per_minute.unwrap_or(throttles.actions_per_minute),
        "concurrentInvocations": own.concurrent_invocations.unwrap_or(throttles.concurrent_actions),
        "firesPerMinute": own.fires_per_minute.unwrap_or(throttles.triggers_per_minute),
        "minActionMemory": bounds.memory.min,
        "maxActionMemory": bounds.memory.max,
        "minActionLogs": bounds.logs.min,
        "maxActionLogs": bounds.logs.max,
        "minActionTimeout": bounds.timeout.min,
        "maxActionTimeout": bounds.timeout.max,
        "minActionConcurrency": bounds.concurrency.min,
        "maxActionConcurrency": bounds.concurrency.max,
        "maxParameterSize": format!("{} B", bounds.parameter_bytes),
        "maxActionInstances": own.max_action_instances.unwrap_or(bounds.instances.max),
    });
    let [mut all, own] = [Json::of(&always), Json::of(own)].map(|json| members(&json));
    for (name, value) in own {
        all.entry(name).or_insert(value);
    }
    all
}

fn members(json: &Json) -> Map<String, Value> {
    serde_json::from_str(json.as_str()).expect("it was made from an object")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(own: &str) -> String {
        let own = serde_json::from_str(own).unwrap();
        Json::of(&effective(&own, &ControllerConfig::default())).as_str().to_owned()
    }

    #[test]
    fn without_limits_of_its_own_a_namespace_has_exactly_these() {
        assert_eq!(
            shown("{}"),
            concat!(
                r#"{"invocationsPerMinute":60,"concurrentInvocations":30,"firesPerMinute":60,"#,
                r#""minActionMemory":128,"maxActionMemory":512,"minActionLogs":0,"maxActionLogs":10,"#,
                r#""minActionTimeout":100,"maxActionTimeout":300000,"#,
                r#""minActionConcurrency":1,"maxActionConcurrency":1,"#,
                r#""maxParameterSize":"1048576 B","maxActionInstances":30}"#,
            )
        );
    }

    #[test]
    fn its_own_limits_show_as_far_as_they_apply() {
        let shown = shown(
            r#"{"invocationsPerMinute":0,"maxActionMemory":4096,"minActionTimeout":200,
                "maxParameterSize":"2 KB","allowedKinds":["nodejs:20"],"storeActivations":false,
                "maxPayloadSize":"1 MB"}"#,
        );
        assert!(shown.starts_with(r#"{"invocationsPerMinute":0,"concurrentInvocations":30,"#), "{shown}");
        for part in [
            r#""maxActionMemory":512,"#,
            r#""minActionTimeout":200,"#,
            r#""maxParameterSize":"2048 B","#,
            r#","allowedKinds":["nodejs:20"],"storeActivations":false,"maxPayloadSize":"1 MB"}"#,
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
