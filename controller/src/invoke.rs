//! Runs actions of every kind on someone's behalf. The way from there is in `dispatch.rs`.

use actix_web::http::header::HeaderMap;
use whirl_model::{Action, ActionPath, Arguments, Exec};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::dispatch::{Dispatched, Invocation};
use crate::identity::Identity;
use crate::resolve::Resolved;
use crate::runtimes::runtime_of;

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
            if let Err(error @ ApiError::Forbidden(_)) =
                self.entities.resolve(identity.namespace(), component).await
            {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Where the annotation `final` is `true`, parameters with a value other than null are immutable.
pub(crate) fn respect_final(resolved: &Resolved, arguments: &Arguments) -> Result<(), ApiError> {
    let action = resolved.action();
    if action.annotations.get("final").is_none_or(|value| value.as_str() != "true") {
        return Ok(());
    }
    let bound = |key: &str| action.parameters.get(key).or_else(|| resolved.inherited.get(key));
    let is_fixed = |key: &str| bound(key).is_some_and(|value| !value.is_null());
    match arguments.iter().any(|(key, _)| is_fixed(key)) {
        true => Err(ApiError::fixed_parameter()),
        false => Ok(()),
    }
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
    use std::sync::Arc;

    use whirl_model::{ActionLimits, Json, Parameters, Timestamp, Version};

    use super::*;
    use crate::entity_cache::Stored;

    /// A final action with so many parameters of its own.
    fn fixed(parameters: usize) -> Resolved {
        let mut all = Parameters::default();
        (0..parameters).for_each(|n| all.set(&format!("p{n}"), Json::of(&n)));
        let mut annotations = Parameters::default();
        annotations.set("final", Json::of(&true));
        let action = Action {
            path: "alice/hello".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            exec: Exec::Blackbox { image: "me/mine".parse().unwrap(), code: None, main: None },
            parameters: all,
            annotations,
            limits: ActionLimits::default(),
            updated: Timestamp(1),
        };
        let stored = Arc::new(Stored { entity: action, revision: "1".to_owned().into() });
        Resolved { stored, inherited: Parameters::default(), binding: None }
    }

    #[test]
    fn final_parameters_stay_and_as_many_arguments_do_no_harm() {
        let action = fixed(30_000);
        let given = |prefix: &str| (0..30_000).map(|n| (format!("{prefix}{n}"), Json::of(&n))).collect();
        assert!(respect_final(&action, &given("a")).is_ok());
        assert!(respect_final(&action, &given("p")).is_err());
    }

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
