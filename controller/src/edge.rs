//! What happens to every request and every answer, whatever the path: the transaction's id, the length of the
//! target, cross-origin headers, the form of errors, `Accept`, and counting.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};

use crate::accept::{JSON, accepts};
use crate::api::Api;
use crate::api_error::{ApiError, framework_failure};
use crate::cors::Cors;
use crate::transaction::{REQUEST_ID, Transaction};

/// Bytes that a request's target may have.
const MAX_TARGET: usize = 8 << 10;

/// Marks an answer that has settled what the client accepts and other origins may do: it is left as it is.
pub(crate) struct Settled;

/// Wraps the whole application.
pub(crate) async fn pass(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let transaction = Transaction::begin(request.headers());
    let cors = Cors::of(request.method(), request.path(), request.headers());
    let takes_json = accepts(request.headers(), JSON);
    request.extensions_mut().insert(transaction.clone());
    let response = if target_length(&request) > MAX_TARGET {
        request.error_response(ApiError::UriTooLong { limit: MAX_TARGET })
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let answer = substitute(response.response(), takes_json, &transaction);
    let mut response = match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    };
    response.headers_mut().insert(REQUEST_ID, transaction.header());
    if !is_settled(response.response()) {
        cors.apply(response.headers_mut());
    }
    api.metrics.answered(response.status(), transaction.began.elapsed());
    Ok(response)
}

fn is_settled(response: &HttpResponse) -> bool {
    response.extensions().contains::<Settled>()
}

fn target_length(request: &ServiceRequest) -> usize {
    request.uri().path_and_query().map_or(0, |target| target.as_str().len())
}

/// What has to be answered instead, if anything: errors get their body, and JSON that the client does not
/// take becomes 406.
fn substitute(response: &HttpResponse, takes_json: bool, transaction: &Transaction) -> Option<HttpResponse> {
    if let Some(error) = response.error() {
        return Some(match error.as_error::<ApiError>() {
            Some(error) => error.answer(&transaction.id),
            None => framework_failure(error, &transaction.id),
        });
    }
    if takes_json || is_settled(response) || !response.status().is_success() {
        return None;
    }
    let is_json = response.headers().get(CONTENT_TYPE) == Some(&HeaderValue::from_static(JSON));
    is_json.then(|| ApiError::NotAcceptable(JSON.to_owned()).answer(&transaction.id))
}
