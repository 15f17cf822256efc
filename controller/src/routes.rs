//! Every URL of the controller on one page. What no route takes is 404, also a known path with another
//! method; below `/api/v1` that is told only to who has credentials.

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Scope, guard};

use crate::route::{Url, url};
use crate::{actions, activations, authentication, collections, host, namespaces};

/// Registers all routes.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(web::scope("").guard(guard::Options()).default_service(web::to(host::options)));
    for url in open() {
        config.service(url.into_resource());
    }
    let mut namespace = scope("/namespaces/{namespace}");
    for url in in_namespace() {
        namespace = namespace.service(url.into_resource());
    }
    let mut api = scope("/api/v1").service(namespace);
    for url in with_credentials() {
        api = api.service(url.into_resource());
    }
    config.service(api.wrap(from_fn(authentication::require))).default_service(web::to(host::missing));
}

/// What anyone may ask for.
fn open() -> Vec<Url> {
    vec![
        url("/").get(host::info),
        url("/ping").get(host::ping),
        url("/api/v1").get(host::api_info),
        url("/api/v1/").get(host::api_info),
        url("/api/v1/openapi.json").get(host::api_docs),
        url("/api/v1/api-docs").get(host::api_docs),
        url("/api/v1/api-docs/").get(host::api_docs),
    ]
}

/// Below `/api/v1`.
fn with_credentials() -> Vec<Url> {
    vec![url("/namespaces").get(namespaces::list), url("/namespaces/").get(namespaces::list)]
}

/// Below `/api/v1/namespaces/{namespace}`.
fn in_namespace() -> Vec<Url> {
    use actions::{delete::delete as remove, get::get as read, invoke::invoke, put::put as write};
    let action = |path| url(path).post(invoke).get(read).put(write).delete(remove);
    vec![
        action("/actions/{name}"),
        action("/actions/{package}/{name}"),
        url("/actions").get(actions::list::all),
        url("/actions/").get(actions::list::all),
        url("/actions/{package}/").get(actions::list::of_package),
        url("/activations").get(activations::list),
        url("/activations/").get(activations::list),
        url("/activations/{id}").get(activations::get),
        url("/activations/{id}/").get(activations::get),
        url("/activations/{id}/logs").get(activations::logs),
        url("/activations/{id}/result").get(activations::result),
        url("/packages").get(collections::packages),
        url("/packages/").get(collections::packages),
        url("/rules").get(collections::rules),
        url("/rules/").get(collections::rules),
        url("/triggers").get(collections::triggers),
        url("/triggers/").get(collections::triggers),
    ]
}

fn scope(path: &str) -> Scope {
    web::scope(path).default_service(web::to(host::missing))
}

/// Every method and path that is routed, for tests that go through all of them.
#[must_use]
pub fn all() -> Vec<(String, String)> {
    let below = |prefix: &str, urls: Vec<Url>| -> Vec<(String, String)> {
        urls.iter().flat_map(|url| url.methods(prefix)).collect()
    };
    let parts = [
        below("", open()),
        below("/api/v1", with_credentials()),
        below("/api/v1/namespaces/{namespace}", in_namespace()),
    ];
    parts.concat()
}
