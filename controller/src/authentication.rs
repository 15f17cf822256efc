//! Who is asking: HTTP Basic credentials of requests. Whose they are, `authenticator.rs` knows; what the caller
//! may do is `entitlement.rs`'s business.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use whirl_model::Credentials;

use crate::api::Api;
use crate::api_error::ApiError;

/// Lets only requests with good credentials through and remembers whose they are.
pub(crate) async fn require(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = match credentials(request.headers()) {
        None => Err(ApiError::Unauthenticated),
        Some(credentials) => api.authenticator.identify(&credentials).await,
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

/// The credentials in the headers, if there are well-formed ones.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    std::str::from_utf8(&decoded).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_basic_credentials_of_the_right_form_are_read() {
        let pair = format!("0a0b0c0d-1111-2222-3333-444455556666:{}", "k".repeat(64));
        let read = |value: String| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::try_from(value).unwrap());
            credentials(&headers).map(|c| c.reveal())
        };
        let encoded = STANDARD.encode(&pair);
        assert_eq!(read(format!("Basic {encoded}")), Some(pair.clone()));
        assert_eq!(read(format!("basic {encoded}")), Some(pair));
        for bad in [
            format!("Bearer {encoded}"),
            encoded,
            "Basic".into(),
            "Basic !".into(),
            format!("Basic {}", STANDARD.encode("user:password")),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
        assert!(credentials(&HeaderMap::new()).is_none());
    }
}
