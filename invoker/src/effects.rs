//! Carries out what the pool decides.

use std::sync::Arc;
use std::time::{Duration, Instant};

use whirl_containers::action_client::ActionClient;
use whirl_containers::factory::{
    ContainerError, ContainerImage, ContainerName, ContainerSpec, StartedContainer,
};
use whirl_model::{ActivationId, GpuId, Kind};
use whirl_scheduling::pool::{ContainerId, Effect, Event, StartFailure, Stem};
use whirl_service::retry::with_causes;

use crate::container::Running;
use crate::logs::{Finished, follow};
use crate::outcome;
use crate::record_writer::Entry;
use crate::run_activation::{self, Preparation};
use crate::shell::Shell;

impl Shell {
    /// Starts everything there is to do and waits for nothing. Runs stay on this thread; what concerns
    /// containers goes to the background. `report` is the last one that was begun before the effects were
    /// decided.
    pub(crate) fn perform(self: &Arc<Self>, effects: Vec<Effect>, report: u64) {
        for effect in effects {
            match effect {
                Effect::Run(id, activation) => self.run(id, activation, Preparation::None),
                Effect::Initialise(id, activation, _cold) => {
                    self.run(id, activation, Preparation::Initialise)
                }
                Effect::Resume(id, activation) => self.run(id, activation, Preparation::Resume),
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
                Effect::Reject(activation, rejection) => {
                    if let Some(job) = self.take_job(activation) {
                        let (shell, response) = (Arc::clone(self), outcome::of_rejection(&rejection));
                        tokio::spawn(async move {
                            shell.end_without_run(job, response, report).await;
                        });
                    }
                }
                Effect::GrantCredit(credit) => self.grant(credit),
                Effect::WakeAt(at) => {
                    self.wake.send_replace(Some(at));
                }
                Effect::Drained => self.drained.notify_waiters(),
            }
        }
    }

    pub(crate) fn grant(&self, credit: usize) {
        // Not under the lock: what is granted may be delivered here and now.
        let subscription = self.subscription.read().clone();
        if let Some(subscription) = subscription {
            subscription.grant(credit);
        }
    }

    fn run(self: &Arc<Self>, id: ContainerId, activation: ActivationId, preparation: Preparation) {
        self.metrics.placements.with_label_values(&[preparation.label()]).inc();
        match self.take_for_run(id, activation) {
            Some((container, job)) => {
                tokio::spawn(run_activation::run(Arc::clone(self), id, container, job, preparation));
            }
            None => tracing::error!(%activation, container = id.0, "the pool named what is not there"),
        }
    }

    async fn start_container(self: &Arc<Self>, id: ContainerId, stem: Arc<Stem>, gpus: Vec<GpuId>) {
        let begun = Instant::now();
        let result = self.try_start(id, &stem, gpus).await;
        self.metrics.starts.with_label_values(&[if result.is_ok() { "ok" } else { "failed" }]).inc();
        match result {
            Ok(()) => {
                self.metrics.start_seconds.observe(begun.elapsed().as_secs_f64());
                self.turn(Event::Started(id));
            }
            Err(failure) => {
                self.forget_container(id);
                self.turn(Event::StartFailed(id, failure));
            }
        }
    }

    async fn try_start(
        self: &Arc<Self>,
        id: ContainerId,
        stem: &Arc<Stem>,
        gpus: Vec<GpuId>,
    ) -> Result<(), StartFailure> {
        let spec = self.spec(id, stem, gpus);
        let started = self.factory.create(&spec).await.map_err(|error| {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, container = %spec.name, "a container cannot be started");
            if !error.is_developers() {
                self.health.lock().failed(stem, with_causes(cause));
            }
            start_failure(&error)
        })?;
        let container = self.adopt(id, &spec.name, stem, started);
        let patience = Duration::from_secs(self.config.start_timeout_seconds);
        let listening = tokio::select! {
            listening = container.client.wait_until_listening(patience) => listening,
            () = container.wait_until_ended() => false,
        };
        if listening {
            self.health.lock().started(stem);
            return Ok(());
        }
        tracing::warn!(container = %spec.name, "a container does not listen");
        if let Err(error) = self.factory.destroy(&spec.name).await {
            let cause = &error as &dyn std::error::Error;
            tracing::error!(error = cause, container = %spec.name, "a container cannot be removed");
        }
        let developers = stem.kind == Kind::blackbox();
        let message = if developers {
            format!("The container of image '{}' does not listen on port 8080.", stem.image)
        } else {
            self.health.lock().failed(stem, format!("container {} does not listen", spec.name));
            "Failed to provision resources to run the action.".to_owned()
        };
        Err(StartFailure { message, developers })
    }

    fn spec(&self, id: ContainerId, stem: &Stem, gpus: Vec<GpuId>) -> ContainerSpec {
        let image = if stem.kind == Kind::blackbox() && !self.actions.is_native(&stem.image) {
            ContainerImage::User { image: stem.image.clone() }
        } else {
            ContainerImage::Runtime { kind: stem.kind.clone(), image: stem.image.clone() }
        };
        let kind = stem.kind.as_str().replace(':', "-");
        let name = ContainerName::new(&format!("whirl_{}_{}_{kind}", self.owner, id.0));
        ContainerSpec { name, image, memory: stem.memory, cpu: stem.cpu, gpus, env: self.env.clone() }
    }

    /// Takes charge of a container: from here on what it writes is read.
    fn adopt(
        self: &Arc<Self>,
        id: ContainerId,
        name: &ContainerName,
        stem: &Stem,
        started: StartedContainer,
    ) -> Arc<Running> {
        let client = ActionClient::new(started.address);
        let container =
            Arc::new(Running::new(name.clone(), client, self.actions.marks_ends(stem), self.began));
        self.add_container(id, Arc::clone(&container));
        let (shell, followed) = (Arc::clone(self), Arc::clone(&container));
        self.background.spawn(async move {
            let done = |logs| shell.logs_done(id, logs);
            follow(&followed, started.output, done).await;
            followed.set_ended();
            shell.turn(Event::Condemned(id));
        });
        container
    }

    /// Completes records with their logs.
    pub(crate) fn logs_done(self: &Arc<Self>, id: ContainerId, logs: Vec<Finished<Option<Entry>>>) {
        for finished in logs {
            if let Some(mut entry) = finished.ticket {
                entry.record.logs = finished.lines;
                self.records.write(entry);
            }
            if finished.condemns {
                self.turn(Event::Condemned(id));
            }
        }
    }

    async fn pause(self: &Arc<Self>, id: ContainerId) {
        let Some(container) = self.container(id) else { return };
        container.client.forget_connections();
        match self.factory.pause(&container.name).await {
            Ok(()) => {
                self.turn(Event::Paused(id));
            }
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(error = cause, "a container cannot be paused");
                self.turn(Event::FreezerFailed(id));
            }
        }
    }

    async fn destroy(self: &Arc<Self>, id: ContainerId) {
        let Some(container) = self.container(id) else { return };
        container.client.forget_connections();
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

fn start_failure(error: &ContainerError) -> StartFailure {
    let developers = error.is_developers();
    let message = match error {
        ContainerError::Pull { image, .. } => format!("Failed to pull container image '{image}'."),
        ContainerError::NotExecutable { image } => format!("executable file not found in image {image}"),
        ContainerError::Unsupported(text) => text.clone(),
        ContainerError::Engine { .. } | ContainerError::Timeout { .. } => {
            "Failed to provision resources to run the action.".to_owned()
        }
    };
    StartFailure { message, developers }
}
