//! What anyone may ask of the host: is it there, what does it offer, how is its API described.

use actix_web::{HttpResponse, web};
use serde_json::json;
use whirl_model::limits::LimitBounds;
use whirl_model::{Json, RuntimeManifest};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::config::ControllerConfig;
use crate::reply;

/// When this was built, if the build says so with `WHIRL_BUILD_DATE`.
const BUILD_DATE: &str = match option_env!("WHIRL_BUILD_DATE") {
    Some(date) => date,
    None => "2026-01-01T00:00:00Z",
};

/// Bytes of a mebibyte.
const MEBIBYTE: u64 = 1 << 20;

#[utoipa::path(
    get,
    path = "/",
    tag = "host",
    responses((status = 200, description = "What the platform offers"))
)]
pub(crate) async fn info(api: web::Data<Api>) -> HttpResponse {
    reply::json(&api.host_info)
}

#[utoipa::path(get, path = "/ping", tag = "host", responses((status = 200, description = "`pong`")))]
pub(crate) async fn ping() -> HttpResponse {
    reply::text("pong")
}

#[utoipa::path(
    get,
    path = "/api/v1",
    tag = "host",
    responses((status = 200, description = "The API's version"))
)]
pub(crate) async fn api_info() -> HttpResponse {
    reply::json(&Json::of(&json!({
        "description": "OpenWhisk API",
        "api_version": "1.0.0",
        "api_version_path": "v1",
        "build": BUILD_DATE,
        "buildno": env!("CARGO_PKG_VERSION"),
        "swagger_paths": {"ui": "/docs", "api-docs": "/api-docs"},
    })))
}

/// Any page may ask which methods and headers it may use.
pub(crate) async fn options() -> HttpResponse {
    reply::text("OK")
}

/// Every path and method that no route takes.
pub(crate) async fn missing() -> Result<HttpResponse, ApiError> {
    Err(ApiError::Missing)
}

/// The answer to `GET /`. Clients compare it whole: it has exactly these members.
pub(crate) fn describe(config: &ControllerConfig, manifest: &RuntimeManifest) -> Json {
    let runtimes: serde_json::Map<String, serde_json::Value> = manifest
        .families()
        .map(|(family, kinds)| (family.to_owned(), kinds.iter().map(|k| k.to_json()).collect()))
        .collect();
    Json::of(&json!({
        "description": "OpenWhisk",
        "support": {
            "github": "https://github.com/apache/openwhisk/issues",
            "slack": "http://slack.openwhisk.org",
        },
        "api_paths": ["/api/v1"],
        "limits": limits(config, &config.limits),
        "runtimes": runtimes,
    }))
}

/// Durations in milliseconds, sizes in bytes. A namespace without limits of its own has the system's.
fn limits(config: &ControllerConfig, bounds: &LimitBounds) -> serde_json::Value {
    let bytes = |megabytes: u32| u64::from(megabytes) * MEBIBYTE;
    let [min_memory, max_memory] = [bounds.memory.min, bounds.memory.max].map(bytes);
    let [min_logs, max_logs] = [bounds.logs.min, bounds.logs.max].map(bytes);
    json!({
        "actions_per_minute": config.throttles.actions_per_minute,
        "triggers_per_minute": config.throttles.triggers_per_minute,
        "concurrent_actions": config.throttles.concurrent_actions,
        "sequence_length": config.sequence_length,
        "default_min_action_duration": bounds.timeout.min,
        "default_max_action_duration": bounds.timeout.max,
        "default_min_action_memory": min_memory,
        "default_max_action_memory": max_memory,
        "default_min_action_logs": min_logs,
        "default_max_action_logs": max_logs,
        "min_action_duration": bounds.timeout.min,
        "max_action_duration": bounds.timeout.max,
        "min_action_memory": min_memory,
        "max_action_memory": max_memory,
        "min_action_logs": min_logs,
        "max_action_logs": max_logs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_exactly_this() {
        let manifest = RuntimeManifest::parse(
            r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{"prefix":"whirl","name":"node"}}]}}"#,
        );
        let described = describe(&ControllerConfig::default(), &manifest.unwrap());
        assert_eq!(
            described.as_str(),
            concat!(
                r#"{"description":"OpenWhisk","support":{"github":"https://github.com/apache/openwhisk/issues","#,
                r#""slack":"http://slack.openwhisk.org"},"api_paths":["/api/v1"],"limits":{"#,
                r#""actions_per_minute":60,"triggers_per_minute":60,"#,
                r#""concurrent_actions":30,"sequence_length":50,"#,
                r#""default_min_action_duration":100,"default_max_action_duration":300000,"#,
                r#""default_min_action_memory":134217728,"default_max_action_memory":536870912,"#,
                r#""default_min_action_logs":0,"default_max_action_logs":10485760,"#,
                r#""min_action_duration":100,"max_action_duration":300000,"#,
                r#""min_action_memory":134217728,"max_action_memory":536870912,"#,
                r#""min_action_logs":0,"max_action_logs":10485760},"#,
                r#""runtimes":{"nodejs":[{"kind":"nodejs:20","image":"whirl/node","deprecated":false,"#,
                r#""default":true,"attached":false,"requireMain":false}]}}"#,
            )
        );
    }
}
