//! A key with what it is the key of: pure.

use std::fmt::Display;

use actix_web::http::header::{HeaderMap, HeaderName};
use whirl_model::Namespace;

use crate::api_error::ApiError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request that brings a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keyed {
    /// Whose key it is.
    pub(crate) namespace: Namespace,
    /// The key's hash, so that it may be long and stays the client's own.
    pub(crate) key: String,
    /// The request's.
    pub(crate) fingerprint: String,
}

impl Keyed {
    /// A POST of `body` to `resource` on behalf of a namespace; `None` if it brings no key. The query does not
    /// count: it says how to be answered, not what to do.
    pub(crate) fn of(
        headers: &HeaderMap,
        namespace: &Namespace,
        resource: &impl Display,
        body: &[u8],
    ) -> Result<Option<Self>, ApiError> {
        let Some(key) = sent(headers)? else { return Ok(None) };
        let mut fingerprint = blake3::Hasher::new();
        // No name has a line end.
        fingerprint.update(format!("POST {resource}\n").as_bytes()).update(body);
        Ok(Some(Self {
            namespace: namespace.clone(),
            key: blake3::hash(key).to_hex().to_string(),
            fingerprint: fingerprint.finalize().to_hex().to_string(),
        }))
    }
}

/// The key that a request brings.
fn sent(headers: &HeaderMap) -> Result<Option<&[u8]>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY);
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.as_bytes();
    if values.next().is_some() || !(1..=255).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
        return Err(ApiError::malformed(
            "The header 'Idempotency-Key' has to be one word of 1 to 255 visible ASCII characters.",
        ));
    }
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(values: &[&[u8]], resource: &str, body: &str) -> Result<Option<Keyed>, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key".parse().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        Keyed::of(&headers, &"alice".parse().unwrap(), &resource, body.as_bytes())
    }

    #[test]
    fn a_key_is_one_word() {
        assert_eq!(of(&[], "actions/a", "").unwrap(), None);
        for good in ["k", &"x".repeat(255), "\"8e03978e-40d5-43dd-bc93\"", "a/b"] {
            assert!(of(&[good.as_bytes()], "actions/a", "").unwrap().is_some(), "{good}");
        }
        let long = "x".repeat(256);
        let bad: [&[&[u8]]; 5] = [&[b""], &[long.as_bytes()], &[b"a b"], &[&[0xe9]], &[b"a", b"a"]];
        for bad in bad {
            assert!(of(bad, "actions/a", "").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_fingerprint_tells_requests_apart() {
        let one = of(&[b"k"], "actions/a", "{}").unwrap().unwrap();
        assert_eq!(of(&[b"k"], "actions/a", "{}").unwrap().unwrap(), one);
        for (resource, body) in [("actions/b", "{}"), ("triggers/a", "{}"), ("actions/a", "{} ")] {
            let other = of(&[b"k"], resource, body).unwrap().unwrap();
            assert_eq!(other.key, one.key);
            assert_ne!(other.fingerprint, one.fingerprint, "{resource} {body}");
        }
    }
}
