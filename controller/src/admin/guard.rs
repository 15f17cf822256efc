//! Lets only administrators through, and gives errors their body. Users' keys mean nothing here.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use whirl_service::AdminKey;

use crate::api::Api;
use crate::api_error::{ApiError, framework_failure};
use crate::transaction::{REQUEST_ID, Transaction};

/// Wraps what is for administrators alone.
pub(super) async fn pass(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let transaction = Transaction::begin(request.headers());
    let response = match check(api.admin_key.as_ref(), request.headers()) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(error) => request.error_response(error),
    };
    let answer = response.response().error().map(|error| match error.as_error::<ApiError>() {
        Some(error) => error.answer(&transaction.id),
        None => framework_failure(error, &transaction.id),
    });
    let mut response = match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    };
    response.headers_mut().insert(REQUEST_ID, transaction.header());
    Ok(response)
}

/// Without a key of its own the server refuses everyone.
fn check(key: Option<&AdminKey>, headers: &HeaderMap) -> Result<(), ApiError> {
    let key = key.ok_or(ApiError::NoAdministration)?;
    match shown(headers).is_some_and(|shown| key.is(shown)) {
        true => Ok(()),
        false => Err(ApiError::NotAdministrator),
    }
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
