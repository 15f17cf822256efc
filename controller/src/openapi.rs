//! The API's descriptions: gathered from the annotations on its handlers, with the bodies of `bodies.rs`.

mod bodies;
mod swagger;

use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::OpenApi;
use whirl_model::Json;

use crate::docs::Descriptions;
use crate::{
    actions, activations, collections, contents, docs, gateway, host, limits, namespaces, packages, rules,
    triggers, web,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Whirl", description = "The OpenWhisk REST API.", license(name = "Apache-2.0")),
    paths(
        host::info,
        host::ping,
        host::api_info,
        docs::openapi,
        docs::swagger,
        docs::host_swagger,
        docs::redirect,
        docs::redirect_host,
        docs::file,
        docs::host_file,
        namespaces::list,
        limits::get,
        limits::part,
        actions::list::all,
        actions::list::of_package,
        actions::get::get,
        actions::put::put,
        actions::delete::delete,
        actions::invoke::invoke,
        activations::list::list,
        activations::get,
        activations::logs,
        activations::follow::follow,
        activations::result,
        activations::state::state,
        contents::contents,
        collections::rules,
        rules::get::get,
        rules::put::put,
        rules::delete::delete,
        rules::status::post,
        collections::triggers,
        triggers::get::get,
        triggers::put::put,
        triggers::delete::delete,
        triggers::fire::fire,
        packages::list::list,
        packages::get::get,
        packages::put::put,
        packages::delete::delete,
        web::handle,
        gateway::create::create,
        gateway::get::get,
        gateway::delete::delete,
    )
)]
struct Description;

/// What the bodies look like.
const SCHEMAS: &str = include_str!("openapi/schemas.json");

/// What the API's handlers say of it, for those who ask.
pub(crate) fn descriptions() -> Descriptions {
    Descriptions {
        openapi: LazyLock::new(|| Json::of(&described())),
        swagger: LazyLock::new(|| Json::of(&swagger::of_openapi(&described()))),
        host: LazyLock::new(|| Json::of(&swagger::of_host(&described()))),
    }
}

/// The OpenAPI document: what the handlers say of themselves, with bodies, credentials and the two forms of an
/// action's path.
fn described() -> Value {
    let mut document = serde_json::to_value(Description::openapi()).expect("the description is plain data");
    document["components"] = json!({
        "schemas": serde_json::from_str::<Value>(SCHEMAS).expect("the schemas are JSON"),
        "securitySchemes": {"basicAuth": {"type": "http", "scheme": "basic"}},
    });
    document["security"] = json!([{"basicAuth": []}]);
    bodies::attach(&mut document);
    add_packaged_actions(&mut document["paths"]);
    complete(&mut document["paths"]);
    document
}

/// Gives each operation an id that no other has, and each parameter a type.
fn complete(paths: &mut Value) {
    for (path, operations) in paths.as_object_mut().into_iter().flatten() {
        let words: Vec<&str> =
            path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let is_folder = if path.len() > 1 && path.ends_with('/') { "_all" } else { "" };
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            operation["operationId"] = format!("{method}_{}{is_folder}", words.join("_")).into();
            for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
                if parameter.get("schema").is_none() {
                    parameter["schema"] = json!({"type": "string"});
                }
            }
        }
    }
}

/// Actions in packages have the operations of those in none, and one more parameter.
fn add_packaged_actions(paths: &mut Value) {
    const PLAIN: &str = "/api/v1/namespaces/{namespace}/actions/{name}";
    let mut packaged = paths[PLAIN].clone();
    for operation in packaged.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
        let package = json!({"name": "package", "in": "path", "required": true,
            "description": "The package, or the binding to one.", "schema": {"type": "string"}});
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.push(package);
        }
    }
    paths["/api/v1/namespaces/{namespace}/actions/{package}/{name}"] = packaged;
}
