//! Ctrl-C and SIGTERM as a flag that every loop looks at, so that a run that is broken off unwinds and takes
//! its processes, containers and files with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

const STEP: Duration = Duration::from_millis(2);

/// Whether the run is to end early. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that the signals raise.
    pub(crate) fn on_signals() -> Result<Self, Error> {
        let stop = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::io("wait for signals"))?;
        let entered = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("wait for Ctrl-C"))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("wait for SIGTERM"))?;
        drop(entered);
        let raised = Arc::clone(&stop.0);
        thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    raised.store(true, Ordering::Relaxed);
                }
            });
        });
        Ok(stop)
    }

    /// Fails once the run is to end.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Lets time pass.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Error> {
        let end = Instant::now() + time;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(Duration::from_millis(20)));
        }
    }

    /// Asks again and again until there is an answer. `what` is the complaint when none comes in time.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut ask: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let end = Instant::now() + limit;
        loop {
            self.check()?;
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            if Instant::now() >= end {
                return Err(Error::Late { what: what.to_owned(), seconds: limit.as_secs() });
            }
            thread::sleep(STEP);
        }
    }
}
