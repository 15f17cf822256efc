//! Reads request bodies: their size is checked before and while they are read, their type before they are
//! parsed. What they mean is the resources' business.

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::de::DeserializeOwned;

use crate::api_error::ApiError;

/// Reads a body of at most `limit` bytes that is JSON or empty.
///
/// A body with a content type other than JSON is refused, even an empty one; one without any content type is
/// taken for JSON.
pub(crate) async fn read(headers: &HeaderMap, mut payload: Payload, limit: u64) -> Result<Bytes, ApiError> {
    let too_large = |bytes| ApiError::TooLarge { part: "body", bytes, limit };
    let announced = announced_length(headers);
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(announced));
    }
    check_type(headers)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::malformed("The request's body ended too early."))?;
        if body.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large(None));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads a body of JSON into `T`. An empty one is malformed.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() {
        return Err(ApiError::malformed("The request needs a body."));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::malformed(format!("The request content was malformed: {error}")))
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let media = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(ApiError::NotJson) }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_json_is_json() {
        let check = |media: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
            check_type(&headers).is_ok()
        };
        assert!(check("application/json") && check("Application/JSON; charset=latin1"));
        assert!(!check("text/plain") && !check("application/x-www-form-urlencoded") && !check(""));
        assert!(check_type(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn nesting_without_end_does_no_harm() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert!(parse::<whirl_model::Arguments>(deep.as_bytes()).is_ok());
        let open = "[".repeat(500_000);
        assert!(parse::<whirl_model::Arguments>(open.as_bytes()).is_err());
    }
}
