//! Looks again and again at the parts that a process stands on, and tells readiness. Which parts those are, and how
//! one looks at them, their owner says.

use std::error::Error;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use crate::{Readiness, retry};

/// How often is looked.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// A part's name, and what keeps it from working.
pub type Check = (&'static str, Result<(), Box<dyn Error + Send + Sync>>);

/// What looks. Dropping it ends that; readiness then keeps what was seen last.
#[must_use = "dropping it ends the looking"]
pub struct Checks(AbortHandle);

impl Checks {
    /// Looks at once and then every two seconds, or as soon as the look before has ended. Has to be called within a
    /// tokio runtime.
    pub fn watch<F, const N: usize>(readiness: Readiness, look: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = [Check; N]> + Send,
    {
        let looking = async move {
            let mut looks = tokio::time::interval(LOOKS_EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                for (part, works) in look().await {
                    match works {
                        Ok(()) => readiness.clear(part),
                        Err(trouble) => readiness.blocked(part, &retry::with_causes(&*trouble)),
                    }
                }
            }
        };
        Self(tokio::spawn(looking).abort_handle())
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readiness_follows_a_part_until_nobody_looks() {
        let readiness = Readiness::new();
        let (away, looked) = (watch::Sender::new(true), watch::Sender::new(0));
        let mut looks = looked.subscribe();
        let checks = Checks::watch(readiness.clone(), {
            let away = away.subscribe();
            move || {
                looked.send_modify(|looks| *looks += 1);
                let works = if *away.borrow() { Err("it is away".into()) } else { Ok(()) };
                std::future::ready([("store", works), ("bus", Ok(()))])
            }
        });
        // The second look begins after what the first one saw is told.
        looks.wait_for(|looks| *looks >= 2).await.unwrap();
        assert_eq!(readiness.reasons(), [("store".to_owned(), "it is away".to_owned())].into());
        away.send_replace(false);
        looks.wait_for(|looks| *looks >= 4).await.unwrap();
        assert!(readiness.reasons().is_empty());
        drop(checks);
        // Who looked is gone.
        assert!(looks.wait_for(|_| false).await.is_err());
    }
}
