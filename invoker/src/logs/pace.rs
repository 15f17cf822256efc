//! How fast a container's output is read. What is not read stops the writer, once the pipes on the way are full: so a
//! flood costs its own container time, and the engine, which carries all output, and its neighbours next to nothing.

use std::time::Duration;

/// So many bytes are read at once after a silence: more than the longest log of an activation.
const BURST: u64 = 16 << 20;
/// Bytes a second for as long as it goes on.
const RATE: u64 = 8 << 20;
/// No pause is shorter.
const PAUSE: Duration = Duration::from_millis(10);

/// What of the burst has been used.
#[derive(Debug, Default)]
pub(super) struct Pace {
    used: u64,
    /// When `used` was last reckoned, since the container was adopted.
    at: Duration,
}

impl Pace {
    /// So many bytes were read: how long to wait before the next are.
    pub(super) fn read(&mut self, bytes: usize, now: Duration) -> Option<Duration> {
        let refilled = u64::try_from(now.saturating_sub(self.at).as_micros()).unwrap_or(u64::MAX);
        let refilled = refilled.saturating_mul(RATE) / 1_000_000;
        self.used = self.used.saturating_sub(refilled) + bytes as u64;
        self.at = now;
        let excess = self.used.saturating_sub(BURST);
        (excess > 0).then(|| PAUSE.max(Duration::from_micros(excess * 1_000_000 / RATE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = 64 << 10;

    #[test]
    fn a_log_of_any_activation_is_read_at_once() {
        let mut pace = Pace::default();
        for _ in 0..10_000_000 / CHUNK {
            assert_eq!(pace.read(CHUNK, Duration::ZERO), None);
        }
    }

    #[test]
    fn a_flood_is_read_at_the_rate_and_after_a_silence_all_is_forgiven() {
        let mut pace = Pace::default();
        let (mut now, mut read) = (Duration::ZERO, 0_u64);
        while now < Duration::from_secs(10) {
            read += CHUNK as u64;
            now += pace.read(CHUNK, now).unwrap_or_default();
        }
        let expected = BURST + 10 * RATE;
        assert!(read.abs_diff(expected) < RATE / 10, "{read} of {expected}");
        now += Duration::from_secs(2);
        assert_eq!(pace.read(CHUNK, now), None);
        assert_eq!(pace.read(BURST as usize / 2, now), None);
    }
}
