//! Runs actions of every kind on someone's behalf. Primitive ones go to an invoker by `dispatch.rs`.

use actix_web::http::header::HeaderMap;
use whirl_model::{Action, Arguments, Parameters, RuntimeManifest};

use crate::actions::runtime_of;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::dispatch::{Dispatched, Invocation};
use crate::resolve::Resolved;

impl Api {
    /// Runs an action, and waits for its result if the caller does.
    pub(crate) async fn invoke(&self, invocation: Invocation) -> Result<Dispatched, ApiError> {
        runnable(invocation.action.action(), &self.manifest)?;
        self.dispatch(invocation).await
    }
}

/// An action whose runtime is gone or deprecated is not run.
fn runnable(action: &Action, manifest: &RuntimeManifest) -> Result<(), ApiError> {
    if action.exec.image().is_none() {
        runtime_of(manifest, &action.exec.kind())?;
    }
    Ok(())
}

/// Where the annotation `final` is `true`, parameters with a value other than null are immutable.
pub(crate) fn respect_final(resolved: &Resolved, arguments: &Arguments) -> Result<(), ApiError> {
    let action = resolved.action();
    let is_final = action.annotations.get("final").is_some_and(|value| value.as_str() == "true");
    let fixed =
        |parameters: &Parameters, key: &str| parameters.get(key).is_some_and(|value| !value.is_null());
    if is_final && arguments.iter().any(|(key, _)| fixed(&resolved.parameters(), key)) {
        return Err(ApiError::malformed(
            "The request defines parameters that are not allowed (e.g., reserved properties).",
        ));
    }
    Ok(())
}

/// The W3C trace context, if it looks like one: version, trace, span and flags.
pub(crate) fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let lengths = text.split('-').map(str::len);
    let good = lengths.eq([2, 32, 16, 2]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
