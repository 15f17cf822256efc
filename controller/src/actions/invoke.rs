//! `POST …/actions/NAME`: invokes. What happens then is in `invoke.rs`.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_model::ActivationId;

use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::dispatch::{Dispatched, Invocation};
use crate::idempotency::Keyed;
use crate::invoke::{respect_final, trace_parent};
use crate::operation::{AnAction, Refused, RefusedWrite, Throttled};
use crate::policy::keep;
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
        ("Idempotency-Key" = Option<String>, Header, description = "Whoever sends the same request with the \
            same key again within 24 hours gets the same activation"),
        ("traceparent" = Option<String>, Header, description = "W3C trace context, for the action"),
        ("X-OW-EXTRA-LOGGING" = Option<String>, Header, description = "`on`: keep the record in any case"),
    ),
    responses(
        (status = 200, description = "The record or the result"),
        (status = 202, description = "Accepted"),
        (status = 500, description = "The platform failed"),
        (status = 502, description = "The action failed"),
        Refused,
        RefusedWrite,
        Throttled,
    )
)]
pub(crate) async fn invoke(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = call.action_path()?;
    let api = &call.api;
    let identity = call.identity();
    api.throttles.admit_invocation(&identity)?;
    let wanted = Wanted::of(&call.query()?, api.config.blocking_wait_milliseconds)?;
    let headers = call.request.headers();
    let bytes = body::read(headers, payload, identity.bounds(&api.config.limits).payload_bytes).await?;
    let arguments = body::arguments(&bytes)?;
    let action = api.entities.resolve(&call.caller.namespace, &path).await?;
    respect_final(&action, &arguments)?;
    let keyed = Keyed::of(headers, &call.caller.namespace, &format_args!("actions/{path}"), &bytes)?;
    let invocation = Invocation {
        id: ActivationId::from_bits(rand::random()),
        action,
        arguments,
        identity,
        transaction: call.transaction.clone(),
        wait: wanted.wait,
        cause: None,
        keep: keep(&api.config.keep_records, &call.identity(), wanted.wait.is_some(), headers),
        trace_parent: trace_parent(headers),
    };
    let dispatched = match keyed {
        Some(keyed) => Api::invoke_once(api, keyed, invocation).await?,
        None => api.invoke(invocation).await?,
    };
    match dispatched {
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
}
