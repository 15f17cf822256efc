//! Changes that another's change gets in the way of: they are made again, from the reading on.

use std::time::Duration;

use crate::api_error::ApiError;

/// How often a change is tried before its caller hears of the conflict.
const ATTEMPTS: u32 = 12;

/// Makes a change, anew as often as it ends in [`ApiError::Conflict`] and some attempts are left. Each has to
/// read what it changes.
pub(crate) async fn undisturbed<T>(
    mut change: impl AsyncFnMut() -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    for attempt in 1..ATTEMPTS {
        match change().await {
            Err(ApiError::Conflict) => tokio::time::sleep(pause(attempt, rand::random())).await,
            outcome => return outcome,
        }
    }
    change().await
}

/// Of random length, so that those who disturbed each other do not meet again: at most 2 ms, later 64 ms.
fn pause(attempt: u32, random: u32) -> Duration {
    let longest = 1000 << attempt.min(6);
    Duration::from_micros(u64::from(random % longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        assert_eq!(pause(1, 1999), Duration::from_micros(1999));
        assert_eq!(pause(1, 2000), Duration::ZERO);
        assert!((1..=ATTEMPTS).all(|attempt| pause(attempt, u32::MAX) < Duration::from_millis(64)));
    }

    #[tokio::test]
    async fn only_conflicts_are_tried_again_and_not_for_ever() {
        let mut tried = 0;
        let settled = undisturbed(async || {
            tried += 1;
            if tried < 3 { Err(ApiError::Conflict) } else { Ok(tried) }
        });
        assert_eq!(settled.await.unwrap(), 3);
        let mut tried = 0;
        let refused = undisturbed(async || {
            tried += 1;
            Err::<(), _>(if tried < 3 { ApiError::Conflict } else { ApiError::Exists })
        });
        assert!(matches!(refused.await, Err(ApiError::Exists)));
        let mut tried = 0;
        let given_up = undisturbed(async || {
            tried += 1;
            Err::<(), _>(ApiError::Conflict)
        });
        assert!(matches!(given_up.await, Err(ApiError::Conflict)));
        assert_eq!(tried, ATTEMPTS);
    }
}
