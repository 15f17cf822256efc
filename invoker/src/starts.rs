//! Starts containers, and sees to it that nothing remains of those that did not start. A start that the container
//! engine keeps from happening is made again for as long as someone waits for it: a hang of seconds loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use whirl_containers::factory::{
    ContainerError, ContainerImage, ContainerName, ContainerSpec, StartedContainer,
};
use whirl_model::GpuId;
use whirl_scheduling::pool::{ContainerId, Event, StartFailure, Stem};
use whirl_service::retry::with_causes;

use crate::chain;
use crate::container::Running;
use crate::engine;
use crate::logs::{LogBook, MARK_WORD, follow, random_word};
use crate::shell::Shell;

/// How often is looked whether the engine's trouble is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The wait after a removal that failed although there was no trouble.
const REMOVE_AGAIN: Duration = Duration::from_secs(1);

/// Why a container did not start.
enum Hitch {
    /// It, or what it is made of.
    Container(StartFailure),
    /// The engine: it works, perhaps, when that does.
    Engine(StartFailure),
}

impl Shell {
    /// Starts a container and tells the pool, unless all containers are about to be removed.
    pub(crate) async fn start_container(
        self: &Arc<Self>,
        id: ContainerId,
        stem: Arc<Stem>,
        gpus: Vec<GpuId>,
    ) {
        tokio::select! {
            biased;
            () = self.until_closing() => {}
            () = self.start_and_tell(id, stem, gpus) => {}
        }
    }

    async fn start_and_tell(self: &Arc<Self>, id: ContainerId, stem: Arc<Stem>, gpus: Vec<GpuId>) {
        let begun = Instant::now();
        let spec = self.spec(id, &stem, gpus);
        let result = self.start_while_awaited(id, &stem, &spec).await;
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

    async fn start_while_awaited(
        self: &Arc<Self>,
        id: ContainerId,
        stem: &Arc<Stem>,
        spec: &ContainerSpec,
    ) -> Result<(), StartFailure> {
        loop {
            match self.try_start(id, stem, spec).await {
                Ok(()) => return Ok(()),
                Err(Hitch::Container(failure)) => return Err(failure),
                Err(Hitch::Engine(failure)) => {
                    self.clear_away(&spec.name).await;
                    if !self.is_awaited(stem) {
                        return Err(failure);
                    }
                }
            }
        }
    }

    async fn try_start(
        self: &Arc<Self>,
        id: ContainerId,
        stem: &Arc<Stem>,
        spec: &ContainerSpec,
    ) -> Result<(), Hitch> {
        let started = match self.factory.create(spec).await {
            Ok(started) => started,
            Err(error) => return Err(self.hitch(stem, spec, error).await),
        };
        let container = self.adopt(id, spec, stem, started);
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
        if !engine::answers(&*self.factory).await {
            return Err(Hitch::Engine(not_provisioned()));
        }
        self.clear_away(&spec.name).await;
        Err(Hitch::Container(if stem.is_users_image() {
            let message = format!("The container of image '{}' does not listen on port 8080.", stem.image);
            StartFailure { message, developers: true }
        } else {
            self.health.lock().failed(stem, format!("container {} does not listen", spec.name));
            not_provisioned()
        }))
    }

    /// Who or what is to blame. While the engine does not answer it is the engine, whatever it said.
    async fn hitch(&self, stem: &Arc<Stem>, spec: &ContainerSpec, error: ContainerError) -> Hitch {
        tracing::warn!(error = chain(&error), container = %spec.name, "a container cannot be started");
        if matches!(error, ContainerError::Silent { .. }) || !engine::answers(&*self.factory).await {
            return Hitch::Engine(not_provisioned());
        }
        if !error.is_developers() {
            self.health.lock().failed(stem, with_causes(&error));
        }
        let message = match error {
            // Be it the image or the host: nobody else's activations may suffer from what may be the image.
            ContainerError::Engine { .. } if stem.is_users_image() => not_started(stem),
            ContainerError::Timeout { .. } if stem.is_users_image() => {
                self.clear_away(&spec.name).await;
                not_started(stem)
            }
            ContainerError::Timeout { .. }
            | ContainerError::Silent { .. }
            | ContainerError::PullSilent { .. } => return Hitch::Engine(not_provisioned()),
            ContainerError::Engine { .. } => return Hitch::Container(not_provisioned()),
            ContainerError::Misconfigured { image, why } => {
                format!("The container of image '{image}' cannot be started: {why}.")
            }
            ContainerError::Pull { image, .. } => format!("Failed to pull container image '{image}'."),
            ContainerError::NotExecutable { image } => format!("executable file not found in image {image}"),
            ContainerError::Unsupported(text) => text,
        };
        Hitch::Container(StartFailure { message, developers: true })
    }

    /// Removes what there may be of a container that did not start. Returns when that is done, however long the
    /// engine is in trouble: until then the pool counts it.
    async fn clear_away(&self, name: &ContainerName) {
        loop {
            if self.factory.trouble().is_some() {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            let Err(error) = self.factory.destroy(name).await else { return };
            tracing::error!(error = chain(&error), container = %name, "a container cannot be removed; trying again");
            tokio::time::sleep(REMOVE_AGAIN).await;
        }
    }

    fn spec(&self, id: ContainerId, stem: &Stem, gpus: Vec<GpuId>) -> ContainerSpec {
        let image = if self.actions.is_users_own(stem) {
            ContainerImage::User { image: stem.image.clone() }
        } else {
            ContainerImage::Runtime { kind: stem.kind.clone(), image: stem.image.clone() }
        };
        let kind = stem.kind.as_str().replace(':', "-");
        let name = ContainerName::new(&format!("whirl_{}_{}_{kind}", self.owner, id.0));
        let mut env = self.env.clone();
        env.insert(MARK_WORD.to_owned(), random_word());
        ContainerSpec { name, image, memory: stem.memory, cpu: stem.cpu, gpus, env }
    }

    /// Takes charge of a container: from here on what it writes is read.
    fn adopt(
        self: &Arc<Self>,
        id: ContainerId,
        spec: &ContainerSpec,
        stem: &Stem,
        started: StartedContainer,
    ) -> Arc<Running> {
        let mut book = LogBook::new(self.actions.marks_ends(stem));
        if let Some(word) = spec.env.get(MARK_WORD) {
            book.ask_for_own_marks(word);
        }
        let (container, output) = Running::take(spec.name.clone(), started, book, self.began);
        let container = Arc::new(container);
        self.add_container(id, Arc::clone(&container));
        let (shell, followed) = (Arc::clone(self), Arc::clone(&container));
        self.background.spawn(async move {
            let done = |logs| shell.logs_done(id, logs);
            follow(&followed, &*shell.factory, output, done).await;
            followed.set_ended();
            shell.turn(Event::Condemned(id));
        });
        container
    }
}

fn not_started(stem: &Stem) -> String {
    format!("The container of image '{}' cannot be started.", stem.image)
}

fn not_provisioned() -> StartFailure {
    let message = "Failed to provision resources to run the action.".to_owned();
    StartFailure { message, developers: false }
}
