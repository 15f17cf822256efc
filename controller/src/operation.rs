//! What the descriptions of operations share: parameters of paths, and refusals. Handlers name them; the whole
//! description is put together in `openapi.rs`.

use std::collections::BTreeMap;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, Required, Response, ResponseBuilder, Type};
use utoipa::{IntoParams, IntoResponses};

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
