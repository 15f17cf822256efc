//! Whose CPU time it was that a container has used. One reading per run is enough: where one run ended the next one
//! begins. What is done with the figure is not decided here.

use std::time::Duration;

use parking_lot::Mutex;
use whirl_containers::factory::CpuMeter;

/// The CPU time of one container.
pub(crate) struct CpuAccount {
    meter: Option<Box<dyn CpuMeter>>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// What the meter said when a run last ended, or when the code was about to come.
    last: Option<Duration>,
    running: u32,
    begun: u64,
}

/// A run that has begun.
#[derive(Debug)]
pub(crate) struct CpuUse {
    number: u64,
    alone: bool,
}

impl CpuAccount {
    /// Without a meter nothing is known.
    pub(crate) fn new(meter: Option<Box<dyn CpuMeter>>) -> Self {
        Self { meter, books: Mutex::default() }
    }

    /// The container gets its code: what it did before is nobody's.
    pub(crate) fn reset(&self) {
        self.books.lock().last = self.read();
    }

    /// A run begins.
    pub(crate) fn begin(&self) -> CpuUse {
        let mut books = self.books.lock();
        let alone = books.running == 0;
        books.running += 1;
        books.begun += 1;
        CpuUse { number: books.begun, alone }
    }

    /// It has ended. What it used, if that is known and no other one ran meanwhile. What is done after an answer
    /// counts for the run that follows in the container.
    pub(crate) fn end(&self, run: &CpuUse) -> Option<Duration> {
        let now = self.read();
        let mut books = self.books.lock();
        books.running -= 1;
        let before = std::mem::replace(&mut books.last, now);
        let undisturbed = run.alone && run.number == books.begun;
        undisturbed.then(|| now?.checked_sub(before?)).flatten()
    }

    fn read(&self) -> Option<Duration> {
        self.meter.as_ref()?.used()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Clock(Arc<AtomicU64>);

    impl CpuMeter for Clock {
        fn used(&self) -> Option<Duration> {
            Some(Duration::from_millis(self.0.load(Ordering::Relaxed)))
        }
    }

    impl Clock {
        fn work(&self, millis: u64) {
            self.0.fetch_add(millis, Ordering::Relaxed);
        }
    }

    fn millis(millis: u64) -> Option<Duration> {
        Some(Duration::from_millis(millis))
    }

    #[test]
    fn a_run_is_charged_from_the_end_of_the_one_before() {
        let clock = Clock::default();
        let account = CpuAccount::new(Some(Box::new(clock.clone())));
        clock.work(500);
        account.reset();
        let cold = account.begin();
        clock.work(30);
        assert_eq!(account.end(&cold), millis(30), "not what its runtime took to start");
        clock.work(1);
        let warm = account.begin();
        clock.work(2);
        assert_eq!(account.end(&warm), millis(3));
    }

    #[test]
    fn runs_at_the_same_time_are_not_told_apart() {
        let clock = Clock::default();
        let account = CpuAccount::new(Some(Box::new(clock.clone())));
        account.reset();
        let (first, second) = (account.begin(), account.begin());
        clock.work(10);
        assert_eq!((account.end(&first), account.end(&second)), (None, None));
        let third = account.begin();
        clock.work(5);
        assert_eq!(account.end(&third), millis(5));
    }

    #[test]
    fn without_a_meter_nothing_is_known() {
        let account = CpuAccount::new(None);
        account.reset();
        let run = account.begin();
        assert_eq!(account.end(&run), None);
    }
}
