//! Which requests a container accepts at each point of its life. Pure: it decides and is told; it starts nothing.

use crate::answer::Answer;

/// Where a container is in its life. It is initialised at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// No code yet.
    Fresh,
    /// An init is under way.
    Initialising,
    /// Code is loaded.
    Ready {
        /// Runs in flight.
        running: usize,
        /// Whether more than one run may be in flight.
        concurrent: bool,
    },
    /// Init failed or a run ended in a failure of the code: it takes nothing more.
    Stopped,
    /// The launcher has ended.
    Dead,
}

impl Lifecycle {
    /// Asks to start an init.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub(crate) fn begin_init(&mut self) -> Result<(), Answer> {
        match self {
            Self::Fresh => {
                *self = Self::Initialising;
                Ok(())
            }
            Self::Dead => Err(Answer::error(500, "command exited")),
            _ => Err(Answer::error(403, INIT_TWICE)),
        }
    }

    /// The init had no code: nothing happened to the container.
    pub(crate) fn init_withdrawn(&mut self) {
        if *self == Self::Initialising {
            *self = Self::Fresh;
        }
    }

    /// The init succeeded; `concurrent` is the launcher's own statement.
    pub(crate) fn init_succeeded(&mut self, concurrent: bool) {
        if *self == Self::Initialising {
            *self = Self::Ready { running: 0, concurrent };
        }
    }

    /// The init failed.
    pub(crate) fn init_failed(&mut self) {
        if *self == Self::Initialising {
            *self = Self::Stopped;
        }
    }

    /// Asks to start a run.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub(crate) fn begin_run(&mut self) -> Result<(), Answer> {
        match self {
            Self::Ready { running, concurrent } if *running == 0 || *concurrent => {
                *running += 1;
                Ok(())
            }
            Self::Ready { .. } => Err(Answer::error(403, "System not ready, status is running.")),
            Self::Fresh | Self::Initialising => Err(Answer::error(403, "System not initialized.")),
            Self::Stopped => Err(Answer::error(403, "System not ready, status is stopped.")),
            Self::Dead => Err(Answer::error(500, "command exited")),
        }
    }

    /// A run ended; `failed` when the code itself broke. That is no affair of others that are in flight or on
    /// their way.
    pub(crate) fn run_ended(&mut self, failed: bool) {
        match self {
            Self::Ready { concurrent: false, .. } if failed => *self = Self::Stopped,
            Self::Ready { running, .. } => *running = running.saturating_sub(1),
            _ => {}
        }
    }
}

/// The refusal of a second init; clients compare this text.
pub(crate) const INIT_TWICE: &str = "Cannot initialize the action more than once.";

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(concurrent: bool) -> Lifecycle {
        let mut life = Lifecycle::Fresh;
        life.begin_init().unwrap();
        life.init_succeeded(concurrent);
        life
    }

    #[test]
    fn one_init_whatever_its_outcome() {
        for outcome in [Lifecycle::init_failed, |life: &mut Lifecycle| life.init_succeeded(false)] {
            let mut life = Lifecycle::Fresh;
            life.begin_init().unwrap();
            assert_eq!(life.begin_init().unwrap_err().status, 403);
            outcome(&mut life);
            assert_eq!(life.begin_init().unwrap_err(), Answer::error(403, INIT_TWICE));
        }
    }

    #[test]
    fn an_init_without_code_may_be_repeated() {
        let mut life = Lifecycle::Fresh;
        life.begin_init().unwrap();
        life.init_withdrawn();
        assert_eq!(life.begin_init(), Ok(()));
    }

    #[test]
    fn a_serial_container_takes_one_run_at_a_time() {
        let mut life = ready(false);
        life.begin_run().unwrap();
        assert_eq!(life.begin_run().unwrap_err().status, 403);
        life.run_ended(false);
        assert_eq!(life.begin_run(), Ok(()));
    }

    #[test]
    fn a_concurrent_container_takes_several_and_one_that_fails_is_alone() {
        let mut life = ready(true);
        life.begin_run().unwrap();
        life.begin_run().unwrap();
        life.run_ended(true);
        assert_eq!(life, Lifecycle::Ready { running: 1, concurrent: true });
    }

    #[test]
    fn broken_code_and_a_dead_launcher_end_it() {
        let mut life = ready(false);
        life.begin_run().unwrap();
        life.run_ended(true);
        assert_eq!(life.begin_run().unwrap_err().status, 403);
        life = Lifecycle::Dead;
        assert_eq!(life.begin_run().unwrap_err().status, 500);
        assert_eq!(life.begin_init().unwrap_err().status, 500);
    }
}
