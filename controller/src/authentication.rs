//! Who is asking: HTTP Basic credentials to a caller. What the caller may do is `entitlement.rs`'s business.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use moka::sync::Cache;
use subtle::ConstantTimeEq;
use whirl_backends::store::SubjectStore;
use whirl_model::{Caller, Credentials, KeyHash};
use whirl_service::ServerKey;

use crate::api::Api;
use crate::api_error::ApiError;

/// Known credentials kept in memory, at most.
const CACHED: u64 = 10_000;

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
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    std::str::from_utf8(&decoded).ok()?.parse().ok()
}

/// Knows whose credentials are whose, and remembers it for a while.
pub(crate) struct Authenticator {
    key: ServerKey,
    subjects: Arc<dyn SubjectStore>,
    /// By UUID, which is no secret; the hash is compared in constant time.
    known: Cache<String, Known>,
}

#[derive(Clone)]
struct Known {
    hash: KeyHash,
    caller: Arc<Caller>,
}

impl Authenticator {
    /// One that believes the store's answers for `lifetime`.
    pub(crate) fn new(key: ServerKey, subjects: Arc<dyn SubjectStore>, lifetime: Duration) -> Self {
        let known = Cache::builder().max_capacity(CACHED).time_to_live(lifetime).build();
        Self { key, subjects, known }
    }

    /// Whose credentials these are.
    async fn identify(&self, credentials: &Credentials) -> Result<Arc<Caller>, ApiError> {
        let hash = self.key.hash(credentials);
        let remembered = self.known.get(credentials.uuid()).filter(|known| same(&known.hash, &hash));
        if let Some(known) = remembered {
            return Ok(known.caller);
        }
        let found = self.subjects.by_key(&hash).await?;
        let caller = Arc::new(found.ok_or(ApiError::Unauthenticated)?);
        self.known.insert(credentials.uuid().to_owned(), Known { hash, caller: caller.clone() });
        Ok(caller)
    }
}

fn same(left: &KeyHash, right: &KeyHash) -> bool {
    left.as_str().as_bytes().ct_eq(right.as_str().as_bytes()).into()
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
