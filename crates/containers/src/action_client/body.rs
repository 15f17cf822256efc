//! Reads an answer's body and keeps no more of it than is allowed.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::driver::Driver;
use super::{RunLimits, Truncation};

/// So much of a body that is too large is read and counted before its connection is given up.
const DRAIN_LIMIT: u64 = 64 << 20;

/// Reads to the end, or until far more than allowed has come.
pub(super) async fn read(
    driver: &mut Driver,
    mut body: Incoming,
    limits: RunLimits,
) -> Result<(Bytes, Option<Truncation>), hyper::Error> {
    let announced = body.size_hint().exact();
    let mut kept = Kept::new(limits);
    while let Some(frame) = driver.drive(body.frame()).await {
        if let Ok(data) = frame?.into_data() {
            kept.push(data);
        }
        if kept.total > DRAIN_LIMIT.saturating_add(limits.max_response_bytes as u64) {
            break;
        }
    }
    Ok(kept.finish(announced))
}

/// The part of a body that is kept, and the length of all of it.
struct Kept {
    limits: RunLimits,
    total: u64,
    /// Most bodies come in one piece, which then is not copied.
    first: Bytes,
    more: BytesMut,
}

impl Kept {
    fn new(limits: RunLimits) -> Self {
        Self { limits, total: 0, first: Bytes::new(), more: BytesMut::new() }
    }

    fn push(&mut self, mut data: Bytes) {
        self.total += data.len() as u64;
        let kept = self.first.len() + self.more.len();
        data.truncate(self.limits.max_response_bytes.saturating_sub(kept));
        if kept == 0 {
            self.first = data;
        } else {
            if self.more.is_empty() {
                self.more.reserve(2 * (self.first.len() + data.len()));
                self.more.extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.more.extend_from_slice(&data);
        }
    }

    fn finish(self, announced: Option<u64>) -> (Bytes, Option<Truncation>) {
        let mut body = if self.more.is_empty() { self.first } else { self.more.freeze() };
        let limit = self.limits.max_response_bytes;
        if self.total <= limit as u64 {
            return (body, None);
        }
        body.truncate(self.limits.truncate_to);
        (body, Some(Truncation { actual: announced.unwrap_or(self.total), limit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(pieces: &[&'static [u8]], announced: Option<u64>) -> (Bytes, Option<Truncation>) {
        let limits = RunLimits { timeout: std::time::Duration::ZERO, max_response_bytes: 5, truncate_to: 3 };
        let mut kept = Kept::new(limits);
        pieces.iter().for_each(|piece| kept.push(Bytes::from_static(piece)));
        kept.finish(announced)
    }

    #[test]
    fn a_body_within_its_bound_is_whole() {
        assert_eq!(keep(&[], None), (Bytes::new(), None));
        assert_eq!(keep(&[b"", b"ab", b"c", b"de"], Some(5)), (Bytes::from_static(b"abcde"), None));
    }

    #[test]
    fn a_larger_one_keeps_its_beginning_and_its_length() {
        for (announced, actual) in [(None, 7), (Some(900), 900)] {
            let (body, truncated) = keep(&[b"ab", b"cdef", b"g"], announced);
            assert_eq!((body.as_ref(), truncated), (&b"abc"[..], Some(Truncation { actual, limit: 5 })));
        }
    }
}
