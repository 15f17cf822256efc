//! The API's descriptions: gathered from the annotations on its handlers, with the bodies of `bodies.rs`.

mod bodies;
mod swagger;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, Required, Response, ResponseBuilder, Type};
use utoipa::{IntoParams, IntoResponses, OpenApi};
use whirl_model::Json;

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
        host::openapi,
        host::swagger,
        host::host_swagger,
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

/// The API's descriptions, made once.
pub(crate) struct Descriptions {
    /// As OpenAPI 3.1.
    pub(crate) openapi: Json,
    /// As Swagger 2.0.
    pub(crate) swagger: Json,
    /// Of what the host answers outside the API, as Swagger 2.0.
    pub(crate) host: Json,
}

impl Descriptions {
    pub(crate) fn new() -> Self {
        let openapi = described();
        Self {
            swagger: Json::of(&swagger::of_openapi(&openapi)),
            host: Json::of(&swagger::of_host(&openapi)),
            openapi: Json::of(&openapi),
        }
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

/// The parameter of every path in a namespace.
pub(crate) struct InNamespace;

/// The parameters of an action's path.
pub(crate) struct AnAction;

/// The parameters of the path of a package, a trigger or a rule.
pub(crate) struct AnEntity;

/// The parameters of an activation's path.
pub(crate) struct AnActivation;

impl IntoParams for InNamespace {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("namespace", "A namespace; `_` is the credential's own.")]
    }
}

impl IntoParams for AnAction {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = InNamespace::into_params(parameter_in);
        all.push(in_path("name", "`NAME`, or `PACKAGE/NAME`."));
        all
    }
}

impl IntoParams for AnEntity {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = InNamespace::into_params(parameter_in);
        all.push(in_path("name", "Its name."));
        all
    }
}

impl IntoParams for AnActivation {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = InNamespace::into_params(parameter_in);
        all.push(in_path("id", "32 characters out of 0-9 and a-f."));
        all
    }
}

fn in_path(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

/// The refusals that every request in a namespace may meet.
pub(crate) struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("400", "The request is malformed."),
            ("401", "The credentials are missing or invalid."),
            ("403", "The credentials give no right to this."),
            ("404", "There is no such resource."),
            ("503", "A part of the platform is away; try again."),
        ]
        .map(|(status, why)| (status.to_owned(), RefOr::T(refusal(why))))
        .into()
    }
}

/// The refusal of who asks for too much at once.
pub(crate) struct Throttled;

impl IntoResponses for Throttled {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let why = "The namespace has too many requests in this minute, or too many activations in flight.";
        [("429".to_owned(), RefOr::T(refusal(why)))].into()
    }
}

/// The refusals that writing may meet besides.
pub(crate) struct RefusedWrite;

impl IntoResponses for RefusedWrite {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("409", "It exists already, is of another sort, or was changed meanwhile."),
            ("413", "A part of the request is too large."),
            ("415", "The body is not JSON."),
        ]
        .map(|(status, why)| (status.to_owned(), RefOr::T(refusal(why))))
        .into()
    }
}

fn refusal(why: &str) -> Response {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let body = ObjectBuilder::new().property("error", text()).property("code", text()).required("error");
    let content = ContentBuilder::new().schema(Some(body)).build();
    ResponseBuilder::new().description(why).content("application/json", content).build()
}
