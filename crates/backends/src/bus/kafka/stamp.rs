//! When a message was published: a header with the publisher's time in microseconds since 1970, as decimal text.
//! Kafka's own timestamps are in milliseconds, which is longer than a message takes.

use std::time::{Duration, SystemTime};

use rdkafka::message::{Header, Headers, OwnedHeaders};

const NAME: &str = "published";

/// Adds the time to a message's headers.
pub(super) fn write(headers: OwnedHeaders, now: SystemTime) -> OwnedHeaders {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    headers.insert(Header { key: NAME, value: Some(&since.as_micros().to_string()) })
}

/// The time that the headers tell, if they do.
pub(super) fn read(headers: Option<&impl Headers>) -> Option<SystemTime> {
    let value = headers?.iter().find(|header| header.key == NAME)?.value?;
    let micros = std::str::from_utf8(value).ok()?.parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_comes_back_among_other_headers() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
        let other = OwnedHeaders::new().insert(Header { key: "traceparent", value: Some("00-1-2-01") });
        assert_eq!(read(Some(&write(other.clone(), now))), Some(now));
        assert_eq!(read(Some(&other)), None);
        let odd = other.insert(Header { key: NAME, value: Some("-1") });
        assert_eq!((read(Some(&odd)), read(None::<&OwnedHeaders>)), (None, None));
    }
}
