//! One request's identity and time. The id is the client's own if it sent a usable one; it returns in every
//! answer and as `code` of every error.

use std::time::{Instant, SystemTime};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use whirl_model::{Timestamp, TransactionId};

/// Carries the id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    /// Its id.
    pub(crate) id: TransactionId,
    /// The time that counts for everything that the request does.
    pub(crate) arrived: Timestamp,
    /// For measuring how long it takes.
    pub(crate) began: Instant,
}

impl Transaction {
    /// The transaction of a request with these headers that arrives now.
    pub(crate) fn begin(headers: &HeaderMap) -> Self {
        Self {
            id: id(headers, rand::random()),
            arrived: Timestamp::from_system(SystemTime::now()),
            began: Instant::now(),
        }
    }

    /// The id as a header's value.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(self.id.as_str()).expect("ids have letters, digits, dashes and underscores")
    }
}

fn id(headers: &HeaderMap, random: [u8; 32]) -> TransactionId {
    let sent = headers.get(&REQUEST_ID).and_then(|v| v.to_str().ok());
    sent.and_then(TransactionId::from_client).unwrap_or_else(|| TransactionId::from_random(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usable_id_is_kept_and_any_other_replaced() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(text));
            id(&headers, [0; 32])
        };
        assert_eq!(of("mine_1").as_str(), "mine_1");
        for bad in ["sid_1", "a b", ""] {
            assert_eq!(of(bad).as_str(), "0".repeat(32));
        }
        assert_eq!(id(&HeaderMap::new(), [0; 32]).as_str(), "0".repeat(32));
    }
}
