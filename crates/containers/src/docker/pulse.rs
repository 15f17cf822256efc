//! The engine's circuit breaker as its callers share it: what is asked while the engine hangs fails at once, and what
//! was asked just before is not waited for.

mod breaker;

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use self::breaker::Breaker;

/// Whether the engine lives, as far as is known.
#[derive(Debug)]
pub(super) struct Pulse {
    breaker: Mutex<Breaker>,
    silent: watch::Sender<bool>,
}

impl Pulse {
    /// For an engine that has just answered.
    pub(super) fn new() -> Self {
        Self { breaker: Mutex::new(Breaker::new(Instant::now())), silent: watch::Sender::new(false) }
    }

    /// The engine answered something, be it by a refusal.
    pub(super) fn answered(&self) {
        self.note(|breaker| breaker.answered(Instant::now()));
    }

    /// It did not answer in time whether it is there.
    pub(super) fn missed(&self) {
        self.note(Breaker::missed);
    }

    fn note(&self, what: impl FnOnce(&mut Breaker)) {
        let mut breaker = self.breaker.lock();
        what(&mut breaker);
        let is_silent = breaker.silence(Instant::now()).is_some();
        let has_changed =
            self.silent.send_if_modified(|silent| std::mem::replace(silent, is_silent) != is_silent);
        drop(breaker);
        match (has_changed, is_silent) {
            (true, true) => tracing::error!("the container engine does not answer: nothing is asked of it"),
            (true, false) => tracing::info!("the container engine answers again"),
            (false, _) => {}
        }
    }

    /// For how long the engine has not answered, while it counts as hanging.
    pub(super) fn silence(&self) -> Option<Duration> {
        self.breaker.lock().silence(Instant::now())
    }

    /// Whether the engine is beyond doubt.
    pub(super) fn is_sound(&self) -> bool {
        self.breaker.lock().is_sound()
    }

    /// Returns once the engine counts as hanging: how long it has been silent.
    pub(super) async fn until_silent(&self) -> Duration {
        let mut silent = self.silent.subscribe();
        loop {
            if let Some(silence) = self.silence() {
                return silence;
            }
            silent.changed().await.expect("the sender is a part of what is borrowed");
        }
    }

    /// Returns once it does not.
    pub(super) async fn until_answering(&self) {
        let mut silent = self.silent.subscribe();
        silent.wait_for(|silent| !silent).await.expect("the sender is a part of what is borrowed");
    }
}
