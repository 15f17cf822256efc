//! Every URL of the controller on one page. What no route takes is 404, also a known path with another
//! method; below `/api/v1` that is told only to who has credentials.

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, delete, get, post, put};
use actix_web::{Resource, Scope, guard};

use crate::{actions, activations, authentication, collections, host, namespaces};

/// Registers all routes.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::scope("").guard(guard::Options()).default_service(web::to(host::options)))
        .service(at("/").route(get().to(host::info)))
        .service(at("/ping").route(get().to(host::ping)))
        .service(at("/api/v1").route(get().to(host::api_info)))
        .service(at("/api/v1/").route(get().to(host::api_info)))
        .service(at("/api/v1/openapi.json").route(get().to(host::api_docs)))
        .service(at("/api/v1/api-docs").route(get().to(host::api_docs)))
        .service(at("/api/v1/api-docs/").route(get().to(host::api_docs)))
        .service(
            scope("/api/v1")
                .service(scope("/namespaces/{namespace}").configure(in_namespace))
                .service(at("/namespaces").route(get().to(namespaces::list)))
                .service(at("/namespaces/").route(get().to(namespaces::list)))
                .wrap(from_fn(authentication::require)),
        )
        .default_service(web::to(host::missing));
}

fn in_namespace(config: &mut ServiceConfig) {
    use actions::{delete::delete as remove, get::get as read, invoke::invoke, put::put as write};
    let action = |path| {
        at(path)
            .route(post().to(invoke))
            .route(get().to(read))
            .route(put().to(write))
            .route(delete().to(remove))
    };
    config
        .service(action("/actions/{name}"))
        .service(action("/actions/{package}/{name}"))
        .service(at("/actions").route(get().to(actions::list::all)))
        .service(at("/actions/").route(get().to(actions::list::all)))
        .service(at("/actions/{package}/").route(get().to(actions::list::of_package)))
        .service(at("/activations").route(get().to(activations::list)))
        .service(at("/activations/").route(get().to(activations::list)))
        .service(at("/activations/{id}").route(get().to(activations::get)))
        .service(at("/activations/{id}/").route(get().to(activations::get)))
        .service(at("/activations/{id}/logs").route(get().to(activations::logs)))
        .service(at("/activations/{id}/result").route(get().to(activations::result)))
        .service(at("/packages").route(get().to(collections::packages)))
        .service(at("/packages/").route(get().to(collections::packages)))
        .service(at("/rules").route(get().to(collections::rules)))
        .service(at("/rules/").route(get().to(collections::rules)))
        .service(at("/triggers").route(get().to(collections::triggers)))
        .service(at("/triggers/").route(get().to(collections::triggers)));
}

fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(host::missing))
}

fn scope(path: &str) -> Scope {
    web::scope(path).default_service(web::to(host::missing))
}
