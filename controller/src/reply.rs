//! Answers that are not errors: JSON, plain text, and how an activation's outcome shows. Errors are in
//! `api_error.rs`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use whirl_model::json::JsonKind;
use whirl_model::{ActivationId, ActivationRecord, Json, Outcome};

/// Says which activation an answer belongs to.
const ACTIVATION_ID: HeaderName = HeaderName::from_static("x-openwhisk-activation-id");

/// 200 with JSON.
pub(crate) fn json(value: &Json) -> HttpResponse {
    with_json(StatusCode::OK, value)
}

/// 200 with a JSON list.
pub(crate) fn list(items: &[Json]) -> HttpResponse {
    json(&Json::of(items))
}

/// 200 with `{"NAME": number}`.
pub(crate) fn count(name: &str, number: u64) -> HttpResponse {
    json(&Json::of(&serde_json::Map::from_iter([(name.to_owned(), number.into())])))
}

/// 200 with plain text.
pub(crate) fn text(text: &'static str) -> HttpResponse {
    let plain = HeaderValue::from_static("text/plain; charset=UTF-8");
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, plain)).body(text)
}

/// 202: the activation will run, or is running.
pub(crate) fn accepted(id: ActivationId) -> HttpResponse {
    let body = Json::of(&serde_json::Map::from_iter([("activationId".to_owned(), id.to_string().into())]));
    with_activation(with_json(StatusCode::ACCEPTED, &body), id)
}

/// A finished activation: 200, or 502 if the action failed, or 500 if the platform did. The body is the
/// record, or the result alone if that was asked for or is an array.
pub(crate) fn finished(record: &ActivationRecord, result_only: bool) -> HttpResponse {
    let status = match record.response.outcome {
        Outcome::Success => StatusCode::OK,
        Outcome::ApplicationError | Outcome::DeveloperError => StatusCode::BAD_GATEWAY,
        Outcome::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let response = match &record.response.result {
        Some(result) if result_only || result.kind() == JsonKind::Array => with_json(status, result),
        None if result_only => with_json(status, &Json::empty_object()),
        _ => with_json(status, &record.to_json()),
    };
    with_activation(response, record.activation_id)
}

fn with_json(status: StatusCode, value: &Json) -> HttpResponse {
    let json = HeaderValue::from_static("application/json");
    HttpResponse::build(status).insert_header((header::CONTENT_TYPE, json)).body(value.as_str().to_owned())
}

/// An answer that belongs to an activation.
pub(crate) fn with_activation(mut response: HttpResponse, id: ActivationId) -> HttpResponse {
    let value = HeaderValue::try_from(id.to_string()).expect("hexadecimal characters are a header value");
    response.headers_mut().insert(ACTIVATION_ID, value);
    response
}
