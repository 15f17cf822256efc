//! Runs actions of every kind on someone's behalf. The way from there is in `dispatch.rs`.

use actix_web::http::header::HeaderMap;
use whirl_model::{Action, ActionPath, Arguments, Exec, Parameters};

use crate::actions::runtime_of;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::dispatch::{Dispatched, Invocation};
use crate::identity::Identity;
use crate::resolve::Resolved;

impl Api {
    /// Runs an action, and waits for its result if the caller does.
    pub(crate) async fn invoke(&self, invocation: Invocation) -> Result<Dispatched, ApiError> {
        let action = invocation.action.action();
        self.runnable(action, &invocation.identity)?;
        if let Some(components) = action.exec.components() {
            self.permitted(components, &invocation.identity).await?;
        }
        self.dispatch(invocation).await
    }

    /// An action whose runtime is gone or deprecated, or of a kind that the namespace may not use, is not run.
    pub(crate) fn runnable(&self, action: &Action, identity: &Identity) -> Result<(), ApiError> {
        let kind = action.exec.kind();
        identity.may_use(&kind)?;
        match action.exec {
            Exec::Runtime { .. } => runtime_of(&self.manifest, &kind).map(drop),
            Exec::Blackbox { .. } | Exec::Sequence { .. } => Ok(()),
        }
    }

    /// A sequence is not begun that has a component which the caller has no right to. One that is missing is the
    /// sequence's own failure, once it gets there.
    async fn permitted(&self, components: &[ActionPath], identity: &Identity) -> Result<(), ApiError> {
        for component in components {
            if let Err(error @ ApiError::Forbidden(_)) = self.resolve(identity.namespace(), component).await {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Where the annotation `final` is `true`, parameters with a value other than null are immutable.
pub(crate) fn respect_final(resolved: &Resolved, arguments: &Arguments) -> Result<(), ApiError> {
    let action = resolved.action();
    let is_final = action.annotations.get("final").is_some_and(|value| value.as_str() == "true");
    let fixed =
        |parameters: &Parameters, key: &str| parameters.get(key).is_some_and(|value| !value.is_null());
    if is_final && arguments.iter().any(|(key, _)| fixed(&resolved.parameters(), key)) {
        return Err(ApiError::fixed_parameter());
    }
    Ok(())
}

/// The W3C trace context, if it is one of version 00, or of a later one that begins like it: version, trace, span
/// and flags in lower-case hexadecimal digits, trace and span not zero.
pub(crate) fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?.trim();
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags, rest @ ..] = parts.as_slice() else { return None };
    let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |part: &str| part.bytes().all(|b| b == b'0');
    let good = [*version, *trace, *span, *flags].into_iter().all(is_hex)
        && [version.len(), trace.len(), span.len(), flags.len()] == [2, 32, 16, 2]
        && *version != "ff"
        && (rest.is_empty() || *version != "00")
        && !is_zero(trace)
        && !is_zero(span);
    // What a later version adds is not known here, and need not be short.
    good.then(|| parts[..4].join("-"))
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
        let (trace, span) = ("a".repeat(32), "b".repeat(16));
        let good = format!("00-{trace}-{span}-01");
        assert_eq!(read(&good), Some(good.clone()));
        assert_eq!(read(&format!("01-{trace}-{span}-01-more")), Some(format!("01-{trace}-{span}-01")));
        for bad in [
            good[1..].to_owned(),
            format!("{good}-more"),
            good.to_uppercase(),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}-{span}"),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
        assert_eq!(read("x"), None);
    }
}
