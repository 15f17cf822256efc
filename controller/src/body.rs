//! Reads request bodies: their size is checked before and while they are read, their type before they are
//! parsed. What they mean is the resources' business.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use whirl_model::Arguments;

use crate::api_error::ApiError;

/// How long a client may be silent in the middle of a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a body of at most `limit` bytes that is JSON or empty.
///
/// A body with a content type other than JSON is refused, even an empty one; one without any content type is
/// taken for JSON.
pub(crate) async fn read(headers: &HeaderMap, payload: Payload, limit: u64) -> Result<Bytes, ApiError> {
    announced_fits(headers, limit)?;
    check_type(headers)?;
    read_any(headers, payload, limit).await
}

/// Reads a body of at most `limit` bytes, whatever its type.
pub(crate) async fn read_any(
    headers: &HeaderMap,
    mut payload: Payload,
    limit: u64,
) -> Result<Bytes, ApiError> {
    announced_fits(headers, limit)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = timeout(PATIENCE, payload.next()).await.map_err(|_| ApiError::BodyTooSlow)? {
        let chunk = chunk.map_err(|_| ApiError::malformed("The request's body ended too early."))?;
        if body.len() as u64 + chunk.len() as u64 > limit {
            return Err(ApiError::TooLarge { part: "body", bytes: None, limit });
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

/// The arguments in a body; an empty one has none.
pub(crate) fn arguments(body: &[u8]) -> Result<Arguments, ApiError> {
    if body.is_empty() { Ok(Arguments::default()) } else { parse(body) }
}

/// Refuses a part of a body that is larger than its bound.
pub(crate) fn fits(part: &'static str, bytes: u64, limit: u64) -> Result<(), ApiError> {
    if bytes > limit { Err(ApiError::TooLarge { part, bytes: Some(bytes), limit }) } else { Ok(()) }
}

/// Refuses a body that says itself that it is too large.
fn announced_fits(headers: &HeaderMap, limit: u64) -> Result<(), ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    announced.map_or(Ok(()), |length| fits("body", length, limit))
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
    fn arguments_are_an_object_or_nothing() {
        assert_eq!(arguments(b"").unwrap(), Arguments::default());
        assert!(arguments(br#"{"a":1}"#).unwrap().get("a").is_some());
        for bad in ["[]", "1", "null", "{", "{}x", " "] {
            assert!(arguments(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn nesting_without_end_does_no_harm() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert!(parse::<Arguments>(deep.as_bytes()).is_ok());
        let open = "[".repeat(500_000);
        assert!(parse::<Arguments>(open.as_bytes()).is_err());
    }
}
