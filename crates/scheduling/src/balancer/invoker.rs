//! One invoker as it is known: its latest life, what that said of itself, and how its activations ended.

use whirl_model::{Epoch, InvokerId, InvokerReport, Willingness};

use super::account::Account;
use super::request::{Health, InvokerState};
use super::view::{Equipment, Standing};
use crate::Moment;
use crate::liveness::{Liveness, Outcome, Sickness};

/// One invoker.
#[derive(Clone, Debug)]
pub(super) struct Invoker {
    pub(super) epoch: Epoch,
    gone: bool,
    willingness: Willingness,
    reason: Option<String>,
    total: u32,
    /// Thousandths.
    cores: u32,
    /// Until when it rests, if it is or was sick.
    pub(super) rest: Option<Moment>,
    pub(super) liveness: Liveness,
    pub(super) account: Account,
}

impl Invoker {
    /// The beginning of a life.
    pub(super) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            gone: false,
            willingness: Willingness::Up,
            reason: None,
            total: 0,
            cores: 0,
            rest: None,
            liveness: Liveness::default(),
            account: Account::default(),
        }
    }

    /// Whether a word of this life is still of interest.
    pub(super) fn lives(&self, epoch: Epoch) -> bool {
        self.epoch == epoch && !self.gone
    }

    /// Whether this life has not begun yet, as far as is known.
    pub(super) fn is_older_than(&self, epoch: Epoch) -> bool {
        self.epoch < epoch
    }

    /// Takes a report of its life. Whether it is newer than the last one.
    pub(super) fn report(&mut self, report: &InvokerReport) -> bool {
        let newer = self.account.report(report);
        if newer {
            self.willingness = report.status;
            self.reason.clone_from(&report.reason);
            self.total = report.memory_total;
            self.cores = report.cpu_total.thousandths();
        }
        newer
    }

    /// Its life has ended.
    pub(super) fn gone(&mut self) {
        *self = Self { gone: true, ..Self::new(self.epoch) };
    }

    /// What matters of it to a decision.
    pub(super) fn standing(&self) -> Standing {
        let most = i64::from(self.total).min(i32::MAX.into());
        let available = self.account.available().clamp(i32::MIN.into(), most);
        Standing {
            up: !self.gone && self.willingness == Willingness::Up && self.rest.is_none(),
            available: available as i32,
            total: self.total,
            depth: self.account.depth(),
        }
    }

    /// What it has beside memory.
    pub(super) fn equipment(&self) -> Equipment {
        let cores = self.account.cores().clamp(0, self.cores.into());
        Equipment { cores: cores as u32, cores_total: self.cores, gpus: self.account.gpus() }
    }

    /// What there is to say of it.
    pub(super) fn state(&self, id: InvokerId, now: Moment) -> InvokerState {
        let (state, reason) = match (self.gone, self.willingness, self.liveness.sickness(now)) {
            (true, ..) => (Health::Down, Some("its lease has ended".to_owned())),
            (_, Willingness::Draining, _) => (Health::Down, Some(self.said("it is about to stop"))),
            (_, Willingness::Unhealthy, _) => (Health::Unhealthy, Some(self.said("it says so itself"))),
            (.., Some(Sickness::Unhealthy)) => {
                (Health::Unhealthy, Some(self.share(Outcome::InternalError, "failed inside the platform")))
            }
            (.., Some(Sickness::Unresponsive)) => {
                (Health::Unresponsive, Some(self.share(Outcome::Timeout, "did not end in time")))
            }
            (.., None) => (Health::Up, None),
        };
        InvokerState { id, epoch: self.epoch, state, reason }
    }

    fn said(&self, otherwise: &str) -> String {
        self.reason.clone().unwrap_or_else(|| otherwise.to_owned())
    }

    fn share(&self, outcome: Outcome, what: &str) -> String {
        let (bad, all) = self.liveness.share(outcome);
        format!("{bad} of its last {all} activations {what}")
    }
}
