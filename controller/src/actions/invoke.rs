//! `POST …/actions/NAME`: invokes. The way to the invoker is `dispatch.rs`.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use actix_web::web::Payload;
use whirl_model::{Action, Arguments, Parameters, RuntimeManifest};

use super::exec::runtime_of;
use super::permitted;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::dispatch::{Dispatched, Invocation};
use crate::openapi::{AnAction, Refused, RefusedWrite};
use crate::query::Query;
use crate::{body, reply};

#[utoipa::path(
    post,
    path = "/api/v1/namespaces/{namespace}/actions/{name}",
    tag = "actions",
    params(
        AnAction,
        ("blocking" = Option<bool>, Query, description = "Wait for the result"),
        ("result" = Option<bool>, Query, description = "With `blocking`: answer the result alone"),
        ("timeout" = Option<u32>, Query, description = "Milliseconds to wait, at most 60000"),
    ),
    responses(
        (status = 200, description = "The record or the result"),
        (status = 202, description = "Accepted"),
        (status = 500, description = "The platform failed"),
        (status = 502, description = "The action failed"),
        Refused,
        RefusedWrite,
    )
)]
pub(crate) async fn invoke(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = permitted(&call).await?;
    let api = &call.api;
    let wanted = Wanted::of(&call.query()?, api.config.blocking_wait_milliseconds)?;
    let headers = call.request.headers();
    let bytes = body::read(headers, payload, api.config.limits.payload_bytes).await?;
    let arguments = arguments(&bytes)?;
    let stored = api.actions.get(&path).await?;
    runnable(&stored.action, &api.manifest)?;
    respect_final(&stored.action, &arguments)?;
    let invocation = Invocation {
        action: stored,
        arguments,
        caller: call.caller.clone(),
        transaction: call.transaction.clone(),
        wait: wanted.wait,
        trace_parent: trace_parent(headers),
    };
    match api.dispatch(invocation).await? {
        Dispatched::Accepted(id) => Ok(reply::accepted(id)),
        Dispatched::Finished(record) => Ok(reply::finished(&record, wanted.result_only)),
    }
}

/// How the caller wants to be answered.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    wait: Option<Duration>,
    result_only: bool,
}

impl Wanted {
    fn of(query: &Query, max_wait: u32) -> Result<Self, ApiError> {
        let blocking = query.boolean("blocking")?.unwrap_or_default();
        let result_only = query.boolean("result")?.unwrap_or_default();
        let bound = i32::try_from(max_wait).unwrap_or(i32::MAX);
        let wait = query.integer("timeout", 1..=bound)?.unwrap_or(max_wait);
        Ok(Self { wait: blocking.then(|| Duration::from_millis(wait.into())), result_only })
    }
}

/// The arguments in a body; an empty one has none.
fn arguments(body: &[u8]) -> Result<Arguments, ApiError> {
    if body.is_empty() { Ok(Arguments::default()) } else { body::parse(body) }
}

/// An action whose runtime is gone or deprecated is not run.
fn runnable(action: &Action, manifest: &RuntimeManifest) -> Result<(), ApiError> {
    if action.exec.image().is_none() {
        runtime_of(manifest, &action.exec.kind())?;
    }
    Ok(())
}

/// Where the annotation `final` is `true`, parameters with a value other than null are immutable.
fn respect_final(action: &Action, arguments: &Arguments) -> Result<(), ApiError> {
    let is_final = action.annotations.get("final").is_some_and(|value| value.as_str() == "true");
    let fixed =
        |parameters: &Parameters, key: &str| parameters.get(key).is_some_and(|value| !value.is_null());
    if is_final && arguments.iter().any(|(key, _)| fixed(&action.parameters, key)) {
        return Err(ApiError::malformed(
            "The request defines parameters that are not allowed (e.g., reserved properties).",
        ));
    }
    Ok(())
}

/// The W3C trace context, if it looks like one: version, trace, span and flags.
fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let lengths = text.split('-').map(str::len);
    let good = lengths.eq([2, 32, 16, 2]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_wait_as_long_as_they_say() {
        let wanted = |text: &str| Wanted::of(&Query::parse(text).unwrap(), 60_000);
        let millis = |m| Some(Duration::from_millis(m));
        for (text, wait, result_only) in [
            ("", None, false),
            ("result=true", None, true),
            ("blocking=true", millis(60_000), false),
            ("blocking=yes&result=1&timeout=1", millis(1), true),
            ("blocking", None, false),
            ("timeout=60000", None, false),
        ] {
            assert_eq!(wanted(text).unwrap(), Wanted { wait, result_only }, "{text}");
        }
        for bad in ["timeout=0", "timeout=60001", "timeout=x", "timeout=-1", "blocking=2"] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn arguments_are_an_object_or_nothing() {
        assert_eq!(arguments(b"").unwrap(), Arguments::default());
        assert!(arguments(br#"{"a":1}"#).unwrap().get("a").is_some());
        for bad in ["[]", "1", "null", "{", "{}x", " "] {
            assert!(arguments(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_well_formed_trace_contexts_travel() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent".parse().unwrap(), text.parse().unwrap());
            trace_parent(&headers)
        };
        let good = format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16));
        assert_eq!(read(&good), Some(good.clone()));
        assert_eq!(read(&good[1..]), None);
        assert_eq!(read("x"), None);
    }
}
