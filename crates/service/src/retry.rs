//! Trying again what needs other servers, with the reason in readiness meanwhile. What is tried, and which
//! failures may pass, its owner says.

use std::error::Error;
use std::time::Duration;

use crate::Readiness;

/// The waits between attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Tries until `attempt` succeeds or fails with an error that is not retryable. Meanwhile part `part` of
/// `readiness` is blocked by the last error. There is no last attempt: whoever waits less drops this.
///
/// # Errors
/// The first error that is not retryable.
pub async fn until_done<T, E: Error>(
    readiness: &Readiness,
    part: &str,
    is_retryable: impl Fn(&E) -> bool,
    attempt: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await {
            Ok(done) => {
                readiness.clear(part);
                return Ok(done);
            }
            Err(error) if is_retryable(&error) => {
                let reason = with_causes(&error);
                tracing::warn!(part, reason, "trying again");
                readiness.blocked(part, &reason);
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_told() {
        let (readiness, attempts) = (Readiness::new(), Cell::new(0));
        let attempt = async || {
            let reasons = readiness.reasons();
            attempts.set(attempts.get() + 1);
            match attempts.get() {
                1 => Err(io::Error::from(io::ErrorKind::TimedOut)),
                2 => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
                _ => Ok(reasons),
            }
        };
        let reasons = until_done(&readiness, "store", |_: &io::Error| true, attempt).await.unwrap();
        assert_eq!((attempts.get(), reasons["store"].as_str()), (3, "connection refused"));
        assert!(readiness.reasons().is_empty());
    }

    #[tokio::test]
    async fn what_cannot_pass_ends_it() {
        let refused = async || Err::<(), _>(io::Error::from(io::ErrorKind::PermissionDenied));
        let is_retryable = |e: &io::Error| e.kind() != io::ErrorKind::PermissionDenied;
        assert!(until_done(&Readiness::new(), "store", is_retryable, refused).await.is_err());
    }
}
