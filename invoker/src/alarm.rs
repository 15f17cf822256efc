//! When the pool wants to be told that time has passed. Wishes come from several threads, in any order.

use std::time::Instant;

use tokio::sync::watch;
use whirl_scheduling::Moment;

/// Rings at the earliest of the moments that it was set to since it last rang. One too many does no harm: the pool then
/// says again when it wants the next.
pub(crate) struct Alarm {
    began: Instant,
    next: watch::Sender<Option<Moment>>,
}

impl Alarm {
    /// Moments count from `began`.
    pub(crate) fn new(began: Instant) -> Self {
        Self { began, next: watch::Sender::new(None) }
    }

    /// Rings then at the latest. A later wish that is carried out before an earlier one does not undo it.
    pub(crate) fn set(&self, at: Moment) {
        self.next.send_modify(|next| *next = Some(next.map_or(at, |set| set.min(at))));
    }

    /// Waits until it rings; for one at a time.
    pub(crate) async fn rings(&self) {
        let mut next = self.next.subscribe();
        loop {
            let at = *next.borrow_and_update();
            let asleep = async {
                match at {
                    Some(at) => tokio::time::sleep_until((self.began + at).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = asleep => break,
                // The sender lives as long as `self`, so this cannot fail.
                _ = next.changed() => {}
            }
        }
        self.next.send_replace(None);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const LATE: Moment = Moment::from_secs(3600);

    #[tokio::test]
    async fn the_earliest_wish_counts_in_whatever_order_they_come() {
        let alarm = Alarm::new(Instant::now());
        for wishes in [[Moment::ZERO, LATE], [LATE, Moment::ZERO]] {
            wishes.into_iter().for_each(|at| alarm.set(at));
            timeout(SOON, alarm.rings()).await.expect("it rings");
        }
    }

    #[tokio::test]
    async fn a_wish_that_comes_while_it_is_waited_for_counts_and_each_rings_once() {
        let alarm = Alarm::new(Instant::now());
        alarm.set(LATE);
        let (rung, ()) = tokio::join!(timeout(SOON, alarm.rings()), async { alarm.set(Moment::ZERO) });
        rung.expect("it rings");
        assert_eq!(*alarm.next.borrow(), None);
    }
}
