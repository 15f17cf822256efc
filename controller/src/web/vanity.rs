//! Hosts of namespaces: with a domain of its own, `NAMESPACE.DOMAIN/PACKAGE/NAME` is a web action's URL too, and
//! pages of one namespace are kept apart from another's by the browser.

use actix_web::dev::RequestHead;
use actix_web::guard::GuardContext;
use actix_web::http::header::HOST;
use actix_web::web::Data;

use crate::api::Api;

/// Whether a request is for a namespace's host.
pub(crate) fn guard(context: &GuardContext<'_>) -> bool {
    let domain = context.app_data::<Data<Api>>().and_then(|api| api.config.vanity_domain.as_deref());
    domain.is_some_and(|domain| namespace(context.head(), domain).is_some())
}

/// The namespace that a request's host names.
pub(crate) fn namespace<'a>(head: &'a RequestHead, domain: &str) -> Option<&'a str> {
    let host = || head.headers().get(HOST)?.to_str().ok();
    in_host(head.uri.host().or_else(host)?, domain)
}

/// What stands before the domain, if that is one label of letters, digits and dashes.
fn in_host<'a>(host: &'a str, domain: &str) -> Option<&'a str> {
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    let at = host.len().checked_sub(domain.len())?;
    let (before, end) = host.split_at_checked(at)?;
    let label = before.strip_suffix('.').filter(|_| end.eq_ignore_ascii_case(domain))?;
    let good = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    good.then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_before_the_domain_is_a_namespace() {
        for (host, namespace) in [
            ("alice.whirl.example", Some("alice")),
            ("Al-1.WHIRL.example:8080", Some("Al-1")),
            ("whirl.example", None),
            (".whirl.example", None),
            ("a.b.whirl.example", None),
            ("a_b.whirl.example", None),
            ("alicewhirl.example", None),
            ("alice.whirl.example.org", None),
            ("é.whirl.example", None),
            ("éwhirl.example", None),
            ("éhirl.example", None),
            ("alice", None),
            ("", None),
        ] {
            assert_eq!(in_host(host, "whirl.example"), namespace, "{host}");
        }
    }
}
