//! Every URL of the controller on one page. What no route takes is 404, also a known path with another
//! method; below `/api/v1` that is told only to who has credentials.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Scope, guard};

use crate::gateway::{create::create as create_api, delete::delete as delete_api, get::get as get_api};
use crate::route::{Url, url};
use crate::web::{self as web_actions, vanity};
use crate::{
    actions, activations, authentication, collections, contents, docs, host, limits, namespaces, packages,
    rules, triggers,
};

/// Registers all routes.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(web::scope("").guard(vanity::guard).default_service(web::to(web_actions::handle_host)));
    // Routes are tried one after the other: what is asked most comes first.
    let mut namespace = scope(NAMESPACE).guard(guard::Not(guard::Options()));
    for url in in_namespace() {
        namespace = namespace.service(url.into_resource());
    }
    config.service(namespace.wrap(from_fn(authentication::require)));
    // Pages ask without credentials what they may do.
    config.service(web::scope(APIS).guard(guard::Options()).default_service(web::to(host::options)));
    for url in of_apis() {
        config.service(url.into_resource().wrap(from_fn(authentication::require)));
    }
    for url in over_the_web() {
        config.service(url.into_resource());
    }
    config.service(web::scope("").guard(guard::Options()).default_service(web::to(host::options)));
    for url in open() {
        config.service(url.into_resource());
    }
    let mut api = scope("/api/v1");
    for url in with_credentials() {
        api = api.service(url.into_resource());
    }
    config.service(api.wrap(from_fn(authentication::require))).default_service(web::to(host::missing));
}

/// What belongs to one namespace.
const NAMESPACE: &str = "/api/v1/namespaces/{namespace}";

/// Where OpenWhisk has a package of web actions that manage APIs.
const APIS: &str = "/api/v1/web/whisk.system/apimgmt";

/// The management of APIs: what would be web actions elsewhere, with and without their extensions.
fn of_apis() -> Vec<Url> {
    vec![
        url("/api/v1/web/whisk.system/apimgmt/createApi").post(create_api),
        url("/api/v1/web/whisk.system/apimgmt/createApi.http").post(create_api),
        url("/api/v1/web/whisk.system/apimgmt/createApi.json").post(create_api),
        url("/api/v1/web/whisk.system/apimgmt/getApi").get(get_api).post(get_api),
        url("/api/v1/web/whisk.system/apimgmt/getApi.http").get(get_api).post(get_api),
        url("/api/v1/web/whisk.system/apimgmt/getApi.json").get(get_api).post(get_api),
        url("/api/v1/web/whisk.system/apimgmt/deleteApi").delete(delete_api).post(delete_api),
        url("/api/v1/web/whisk.system/apimgmt/deleteApi.http").delete(delete_api).post(delete_api),
        url("/api/v1/web/whisk.system/apimgmt/deleteApi.json").delete(delete_api).post(delete_api),
    ]
}

/// The actions that their owners export.
fn over_the_web() -> Vec<Url> {
    use web_actions::handle;
    let methods = [Method::HEAD, Method::OPTIONS, Method::PATCH];
    let url = url("/api/v1/web/{namespace}/{package}/{name}{path:.*}");
    let url = url.get(handle).post(handle).put(handle).delete(handle);
    vec![methods.into_iter().fold(url, |url, method| url.on(method, handle))]
}

/// What anyone may ask for.
fn open() -> Vec<Url> {
    vec![
        url("/").get(host::info),
        url("/ping").get(host::ping),
        url("/api/v1").get(host::api_info),
        url("/api/v1/").get(host::api_info),
        url("/api-docs").get(docs::host_swagger),
        url("/docs").get(docs::redirect_host),
        url("/docs/{file:.*}").get(docs::host_file),
        url("/api/v1/openapi.json").get(docs::openapi),
        url("/api/v1/api-docs").get(docs::swagger),
        url("/api/v1/api-docs/").get(docs::swagger),
        url("/api/v1/docs").get(docs::redirect),
        url("/api/v1/docs/{file:.*}").get(docs::file),
    ]
}

/// Below `/api/v1`.
fn with_credentials() -> Vec<Url> {
    vec![url("/namespaces").get(namespaces::list), url("/namespaces/").get(namespaces::list)]
}

/// Below [`NAMESPACE`].
fn in_namespace() -> Vec<Url> {
    use actions::{delete::delete as remove, get::get as read, invoke::invoke, put::put as write};
    let action = |path| url(path).post(invoke).get(read).put(write).delete(remove);
    vec![
        action("/actions/{name}"),
        action("/actions/{package}/{name}"),
        url("/actions").get(actions::list::all),
        url("/actions/").get(actions::list::all),
        url("/actions/{package}/").get(actions::list::of_package),
        url("/activations").get(activations::list::list),
        url("/activations/").get(activations::list::list),
        url("/activations/{id}").get(activations::get),
        url("/activations/{id}/").get(activations::get),
        url("/activations/{id}/logs").get(activations::logs),
        url("/activations/{id}/logs/follow").get(activations::follow::follow),
        url("/activations/{id}/result").get(activations::result),
        url("/activations/{id}/state").get(activations::state::state),
        url("/contents").get(contents::contents),
        url("/limits").get(limits::get),
        url("/limits/").get(limits::get),
        url("/limits/{part:.*}").get(limits::part),
        url("/packages").get(packages::list::list),
        url("/packages/").get(packages::list::list),
        url("/packages/{name}")
            .get(packages::get::get)
            .put(packages::put::put)
            .delete(packages::delete::delete),
        url("/rules/{name}")
            .get(rules::get::get)
            .put(rules::put::put)
            .delete(rules::delete::delete)
            .post(rules::status::post),
        url("/rules").get(collections::rules),
        url("/rules/").get(collections::rules),
        url("/triggers/{name}")
            .get(triggers::get::get)
            .put(triggers::put::put)
            .delete(triggers::delete::delete)
            .post(triggers::fire::fire),
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
        below("", of_apis()),
        below("", over_the_web()),
        below("", open()),
        below("/api/v1", with_credentials()),
        below(NAMESPACE, in_namespace()),
    ];
    parts.concat()
}
