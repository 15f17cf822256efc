//! Which activations get a record: a pure decision from the settings, the namespace's limits and the request.
//! Who makes the record asks [`Keep::keeps`] once the outcome is known.

use actix_web::http::header::{HeaderMap, HeaderName};
use whirl_model::Keep;

use crate::config::KeepRecords;
use crate::identity::Identity;

/// With the value `on`, every record of what the request does is kept. It is for the platform alone.
pub(crate) const EXTRA_LOGGING: HeaderName = HeaderName::from_static("x-ow-extra-logging");

/// What is kept of the activations of one request.
pub(crate) fn keep(settings: &KeepRecords, identity: &Identity, blocking: bool, headers: &HeaderMap) -> Keep {
    let asked_for =
        || headers.get(EXTRA_LOGGING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"on"));
    if identity.limits.store_activations == Some(false) {
        Keep::Never
    } else if asked_for() {
        Keep::Always
    } else if blocking {
        settings.blocking
    } else {
        settings.non_blocking
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use whirl_model::{Caller, NamespaceLimits, SealedKey};

    use super::*;

    #[test]
    fn the_namespace_decides_before_the_request_and_the_request_before_the_settings() {
        let settings = KeepRecords { blocking: Keep::Failures, non_blocking: Keep::FailuresNotOfApplication };
        let identity = |store_activations| Identity {
            caller: Arc::new(Caller {
                subject: "alice".into(),
                namespace: "alice".parse().unwrap(),
                uuid: "u".into(),
                sealed_key: SealedKey::from_text("s"),
            }),
            limits: Arc::new(NamespaceLimits { store_activations, ..NamespaceLimits::default() }),
        };
        let extra = |value: &'static str| HeaderMap::from_iter([(EXTRA_LOGGING, value.parse().unwrap())]);
        for (stores, headers, blocking, expected) in [
            (None, HeaderMap::new(), true, Keep::Failures),
            (Some(true), extra("off"), false, Keep::FailuresNotOfApplication),
            (None, extra("ON"), true, Keep::Always),
            (Some(false), HeaderMap::new(), false, Keep::Never),
            (Some(false), extra("on"), true, Keep::Never),
        ] {
            assert_eq!(keep(&settings, &identity(stores), blocking, &headers), expected, "{headers:?}");
        }
    }
}
