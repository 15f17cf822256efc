//! The gateway's own port: requests for paths of APIs become requests for web actions. The client may be anyone.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    HeaderMap, HeaderName, HeaderValue,
};
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::routes::{Endpoint, Found};
use super::verb::Verb;
use super::{path, tenant};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::cors::Cors;
use crate::edge::Settled;
use crate::transaction::Transaction;
use crate::web::WebRequest;

/// What the paths of all APIs begin with.
const ROOT: &str = "/api/";
/// By this a secured web action knows the gateway.
const SECRET: HeaderName = HeaderName::from_static("x-require-whisk-auth");

/// Registers the gateway.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config.default_service(web::to(answer));
}

async fn answer(
    api: web::Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let answer = serve(&api, request, payload).await;
    let status = answer.as_ref().map_or_else(ResponseError::status_code, HttpResponse::status);
    api.metrics.answered_by_gateway(status);
    answer
}

async fn serve(
    api: &web::Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let transaction = request.extensions().get::<Transaction>().cloned().ok_or(ApiError::NoSuchApi)?;
    let below = request.uri().path().strip_prefix(ROOT).ok_or(ApiError::NoSuchApi)?;
    let (id, path) = below.split_at(below.find('/').unwrap_or(below.len()));
    let namespace = tenant::namespace(id).ok_or(ApiError::NoSuchApi)?;
    let segments = path::segments(if path.is_empty() { "/" } else { path }).ok_or(ApiError::NoSuchApi)?;
    let routes = api.gateway.routes.routes(&namespace).await?;
    let mut response = match routes.find(&segments, Verb::of_method(request.method())) {
        Found::Nothing => return Err(ApiError::NoSuchApi),
        Found::OtherMethods(verbs) => {
            let mut response = ApiError::MethodNotAllowed.answer(&transaction.id);
            response.headers_mut().insert(ALLOW, list(&verbs));
            response
        }
        Found::Question(verbs) => {
            let mut response = HttpResponse::Ok().finish();
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, list(&verbs));
            Cors::of_web(request.headers()).apply(response.headers_mut());
            response
        }
        Found::Operation { endpoint, parameters, cors } => {
            let wanted = translated(&request, endpoint, path, &parameters, transaction)?;
            let mut response = crate::web::serve(api, wanted, payload).await;
            match cors {
                true => Cors::of_web(request.headers()).apply(response.headers_mut()),
                false => forbid(response.headers_mut()),
            }
            response
        }
    };
    response.extensions_mut().insert(Settled);
    Ok(response)
}

/// The request for the web action.
fn translated(
    request: &HttpRequest,
    endpoint: &Endpoint,
    path: &str,
    parameters: &[(String, String)],
    transaction: Transaction,
) -> Result<WebRequest, ApiError> {
    Ok(WebRequest {
        method: request.method().clone(),
        headers: headers(request.headers(), endpoint)?,
        namespace: endpoint.target.namespace.to_string(),
        package: endpoint.target.package_in_url().to_owned(),
        name: endpoint.target.name_in_url(),
        path: if endpoint.with_path { path.to_owned() } else { String::new() },
        query: query(request.query_string(), parameters),
        transaction,
    })
}

/// The request's headers, with the web action's secret in the place of any that the client may have sent.
fn headers(sent: &HeaderMap, endpoint: &Endpoint) -> Result<HeaderMap, ApiError> {
    let mut headers = sent.clone();
    headers.remove(&SECRET);
    if let Some(secret) = &endpoint.secret {
        let value = HeaderValue::from_str(secret).map_err(|error| ApiError::Internal(error.into()))?;
        headers.insert(SECRET, value);
    }
    Ok(headers)
}

/// The query with the path's parameters behind it, where they count.
fn query(sent: &str, parameters: &[(String, String)]) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let of_path = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let sent = Some(sent.to_owned()).filter(|sent| !sent.is_empty());
    sent.into_iter().chain(of_path).collect::<Vec<_>>().join("&")
}

/// Pages of other origins may not call, whatever the web action says.
fn forbid(headers: &mut HeaderMap) {
    for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS] {
        headers.remove(name);
    }
}

fn list(verbs: &[Verb]) -> HeaderValue {
    let mut names: Vec<String> = verbs.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    HeaderValue::try_from(names.join(", ")).expect("names of methods are a header's value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_path_go_behind_the_query() {
        let parameters = [("id".to_owned(), "a b&id=1/ü".to_owned())];
        assert_eq!(query("x=1&id=2", &parameters), "x=1&id=2&id=a%20b%26id%3D1%2F%C3%BC");
        assert_eq!(query("", &parameters), "id=a%20b%26id%3D1%2F%C3%BC");
        assert_eq!(query("x", &[]), "x");
    }

    #[test]
    fn methods_are_listed_once() {
        assert_eq!(list(&[Verb::Post, Verb::Get, Verb::Options, Verb::Get]), "GET, OPTIONS, POST");
    }
}
