//! Carries out what the pool decides. How a container is started is in `starts`, how one runs an activation in
//! `run_activation`.

use std::sync::Arc;
use std::time::Duration;

use whirl_model::ActivationId;
use whirl_scheduling::pool::{ContainerId, Effect, Event, Rejection};

use crate::container::Pause;
use crate::logs::Finished;
use crate::outcome;
use crate::preparation::Preparation;
use crate::record_writer::Entry;
use crate::run_activation;
use crate::shell::{Shell, Turn};

impl Shell {
    /// Starts everything that a turn asks for and waits for nothing. Runs stay on this thread; what concerns
    /// containers goes to the background.
    pub(crate) fn perform(self: &Arc<Self>, effects: Vec<Effect>, turn: Turn) {
        for effect in effects {
            match effect {
                Effect::Run(id, activation) => self.run(id, activation, Preparation::None, turn),
                Effect::Initialise(id, activation, cold) => {
                    self.run(id, activation, Preparation::Initialise(cold), turn);
                }
                Effect::Resume(id, activation) => self.run(id, activation, Preparation::Resume, turn),
                Effect::Provide(activation) => self.provide(activation),
                Effect::Start(id, stem, gpus) => {
                    let shell = Arc::clone(self);
                    self.background.spawn(async move { shell.start_container(id, stem, gpus).await });
                }
                Effect::Pause(id) => {
                    let shell = Arc::clone(self);
                    self.background.spawn(async move { shell.pause(id).await });
                }
                Effect::Destroy(id) => {
                    let shell = Arc::clone(self);
                    self.background.spawn(async move { shell.destroy(id).await });
                }
                Effect::Reject(activation, rejection) => self.reject(activation, &rejection, turn),
                Effect::GrantCredit(credit) => self.grant(credit),
                Effect::WakeAt(at) => self.alarm.set(at),
                Effect::Drained => self.drained.notify_waiters(),
            }
        }
    }

    /// Lets so many more activations come; later, if too many records wait.
    pub(crate) fn grant(&self, credit: usize) {
        match self.records.admit(credit) {
            0 => {}
            credit => self.grant_now(credit),
        }
    }

    pub(crate) fn grant_now(&self, credit: usize) {
        // Not under the lock: what is granted may be delivered here and now.
        let subscription = self.subscription.read().clone();
        if let Some(subscription) = subscription {
            subscription.grant(credit);
        }
    }

    fn reject(self: &Arc<Self>, activation: ActivationId, rejection: &Rejection, turn: Turn) {
        let Some(mut job) = self.take_job(activation) else { return };
        let patience = Duration::from_secs(self.config.queue_seconds);
        let awaited_image = job.provision.take().is_some_and(|provision| provision.is_under_way());
        let shell = Arc::clone(self);
        if *rejection != Rejection::Expired {
            let response = outcome::of_rejection(rejection, patience);
            tokio::spawn(async move { shell.end_without_run(job, response, turn.report).await });
            return;
        }
        self.metrics.expired.inc();
        let response = if awaited_image && self.factory.trouble().is_none() {
            outcome::image_too_slow(&job.stem.image, patience)
        } else {
            outcome::of_rejection(rejection, patience)
        };
        tokio::spawn(async move { shell.end_expired(job, response, turn.report).await });
    }

    fn run(
        self: &Arc<Self>,
        id: ContainerId,
        activation: ActivationId,
        preparation: Preparation,
        turn: Turn,
    ) {
        let labels = [preparation.start(), preparation.reason().unwrap_or_default()];
        self.metrics.placements.with_label_values(&labels).inc();
        match self.take_for_run(id, activation, turn) {
            Some((container, job)) => {
                tokio::spawn(run_activation::run(Arc::clone(self), id, container, job, preparation));
            }
            None => tracing::error!(%activation, container = id.0, "the pool named what is not there"),
        }
    }

    /// Completes records with their logs.
    pub(crate) fn logs_done(self: &Arc<Self>, id: ContainerId, logs: Vec<Finished<Option<Entry>>>) {
        for finished in logs {
            if let Some(mut entry) = finished.ticket {
                entry.record.logs = finished.lines;
                self.live.over(entry.record.activation_id);
                self.records.write(entry);
            }
            if finished.condemns {
                self.turn(Event::Condemned(id));
            }
        }
    }

    async fn pause(self: &Arc<Self>, id: ContainerId) {
        let Some(container) = self.container(id) else { return };
        let event = match container.pause(&*self.factory).await {
            Ok(Pause::Frozen) => Event::Paused(id),
            Ok(Pause::PutOff) => Event::PausePutOff(id),
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(error = cause, "a container cannot be paused");
                Event::FreezerFailed(id)
            }
        };
        self.turn(event);
    }

    async fn destroy(self: &Arc<Self>, id: ContainerId) {
        let Some(container) = self.container(id) else { return };
        container.client.forget_connections();
        let _what_is_missing_is_lost = container.last_words().await;
        match self.factory.destroy(&container.name).await {
            Ok(()) => {
                self.forget_container(id);
                self.turn(Event::Removed(id));
            }
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(error = cause, "a container cannot be removed; trying again");
                self.turn(Event::RemoveFailed(id));
            }
        }
    }
}
