//! A factory whose containers are played by the test: it chooses how long every step takes, how it ends, and
//! what `/init` and `/run` answer. For tests only; no process is started and nothing is confined.

mod container;
mod script;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::sleep;
use whirl_model::ImageName;

use self::container::Container;
pub use self::script::{Fate, Outcome, Script, ScriptedReply, ScriptedRequest};
use crate::factory::{
    ContainerError, ContainerFactory, ContainerName, ContainerSpec, ContainerState, StartedContainer,
};

/// What a scripted factory was asked, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// To see to it that a user's image is there.
    Provide(ImageName),
    /// To create a container.
    Create(ContainerName),
    /// To pause it.
    Pause(ContainerName),
    /// To resume it.
    Resume(ContainerName),
    /// To destroy it.
    Destroy(ContainerName),
    /// `/init`, by its client.
    Init(ContainerName, serde_json::Value),
    /// `/run`, by its client.
    Run(ContainerName, serde_json::Value),
}

/// A factory that follows a script. Clones share their containers.
#[derive(Clone)]
pub struct ScriptedFactory {
    script: Arc<Script>,
    stage: Arc<Stage>,
}

/// What is there, shared between the factory and its containers.
#[derive(Default)]
struct Stage {
    containers: Mutex<HashMap<ContainerName, Container>>,
    calls: Mutex<Vec<Call>>,
    engine: watch::Sender<Engine>,
}

/// What makes the containers, and carries what they write.
#[derive(Debug, Default, PartialEq, Eq)]
enum Engine {
    #[default]
    Works,
    /// It does not answer, for a reason that the factory knows.
    Hangs(String),
    /// It cannot be reached, which the factory has not noticed.
    IsAway,
}

impl ScriptedFactory {
    /// A factory without containers.
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self { script: Arc::new(script), stage: Arc::default() }
    }

    /// All calls up to now.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.stage.calls.lock().clone()
    }

    /// The names of the containers that were not destroyed, sorted.
    #[must_use]
    pub fn containers(&self) -> Vec<ContainerName> {
        let mut names: Vec<_> = self.stage.containers.lock().keys().cloned().collect();
        names.sort();
        names
    }

    /// Lets a container end by itself, as if its process had crashed.
    pub fn crash(&self, name: &ContainerName) {
        self.stage.end(name, ContainerState::Ended);
    }

    /// From now on nothing is created, destroyed, paused or resumed, nothing can be asked, and what containers write
    /// is held back. They go on. The factory knows this for its trouble.
    pub fn hang(&self, trouble: &str) {
        self.stage.engine.send_replace(Engine::Hangs(trouble.to_owned()));
    }

    /// The same, and the factory knows of no trouble.
    pub fn go_away(&self) {
        self.stage.engine.send_replace(Engine::IsAway);
    }

    /// Everything works again.
    pub fn recover(&self) {
        self.stage.engine.send_replace(Engine::Works);
    }

    /// What an engine in trouble does with a call.
    fn works(&self, operation: &'static str, name: &ContainerName) -> Result<(), ContainerError> {
        match *self.stage.engine.borrow() {
            Engine::Works => Ok(()),
            Engine::Hangs(_) => Err(ContainerError::Timeout { operation, name: name.clone() }),
            Engine::IsAway => {
                let source = "nothing listens there".into();
                Err(ContainerError::Engine { operation, name: name.clone(), source })
            }
        }
    }

    fn note(&self, call: Call) {
        self.stage.calls.lock().push(call);
    }

    fn set_paused(
        &self,
        operation: &'static str,
        name: &ContainerName,
        paused: bool,
    ) -> Result<(), ContainerError> {
        match self.stage.containers.lock().get(name) {
            Some(container) => {
                container.set_paused(paused);
                Ok(())
            }
            None => Err(ContainerError::Engine {
                operation,
                name: name.clone(),
                source: "there is no such container".into(),
            }),
        }
    }
}

impl Stage {
    /// Returns once the engine works.
    async fn until_engine_works(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.engine.subscribe().wait_for(|engine| *engine == Engine::Works).await;
    }

    fn end(&self, name: &ContainerName, state: ContainerState) {
        if let Some(container) = self.containers.lock().get_mut(name) {
            container.end(state);
        }
    }

    fn lose_a_process(&self, name: &ContainerName) {
        if let Some(container) = self.containers.lock().get_mut(name) {
            container.lose_a_process();
        }
    }
}

async fn play(outcome: Outcome) -> Result<(), ContainerError> {
    sleep(outcome.after).await;
    outcome.result
}

#[async_trait]
impl ContainerFactory for ScriptedFactory {
    async fn provide(&self, image: &ImageName) -> Result<(), ContainerError> {
        self.note(Call::Provide(image.clone()));
        self.works("pull the image of", &ContainerName::new("any"))?;
        play((self.script.provide)(image)).await
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<StartedContainer, ContainerError> {
        self.note(Call::Create(spec.name.clone()));
        self.works("create", &spec.name)?;
        play((self.script.create)(spec)).await?;
        let failed = |source: std::io::Error| ContainerError::Engine {
            operation: "listen for",
            name: spec.name.clone(),
            source: Box::new(source),
        };
        let script = Arc::clone(&self.script);
        let (container, started) =
            Container::start(spec.name.clone(), script, Arc::clone(&self.stage)).await.map_err(failed)?;
        self.stage.containers.lock().insert(spec.name.clone(), container);
        Ok(started)
    }

    async fn pause(&self, name: &ContainerName) -> Result<(), ContainerError> {
        self.note(Call::Pause(name.clone()));
        self.works("pause", name)?;
        play((self.script.pause)(name)).await?;
        self.set_paused("pause", name, true)
    }

    async fn resume(&self, name: &ContainerName) -> Result<(), ContainerError> {
        self.note(Call::Resume(name.clone()));
        self.works("resume", name)?;
        play((self.script.resume)(name)).await?;
        self.set_paused("resume", name, false)
    }

    async fn destroy(&self, name: &ContainerName) -> Result<(), ContainerError> {
        self.note(Call::Destroy(name.clone()));
        self.works("remove", name)?;
        play((self.script.destroy)(name)).await?;
        self.stage.end(name, ContainerState::Ended);
        self.stage.containers.lock().remove(name);
        Ok(())
    }

    async fn state(&self, name: &ContainerName) -> Result<ContainerState, ContainerError> {
        self.works("inspect", name)?;
        Ok(self.stage.containers.lock().get(name).map_or(ContainerState::Ended, Container::state))
    }

    fn trouble(&self) -> Option<String> {
        match &*self.stage.engine.borrow() {
            Engine::Hangs(why) => Some(why.clone()),
            Engine::Works | Engine::IsAway => None,
        }
    }

    async fn answers(&self) -> bool {
        *self.stage.engine.borrow() == Engine::Works
    }

    async fn remove_leftovers(&self) -> Result<usize, ContainerError> {
        self.works("list", &ContainerName::new("all"))?;
        let all: Vec<_> = self.stage.containers.lock().drain().collect();
        let number = all.len();
        for (_, mut container) in all {
            container.end(ContainerState::Ended);
        }
        Ok(number)
    }

    async fn close(&self) -> Result<(), ContainerError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Subject;
    use crate::factory::ContainerImage;

    #[tokio::test]
    async fn the_script_keeps_the_contract() {
        let missing = ContainerImage::User { image: "no/such:1".parse().unwrap() };
        let refused = missing.clone();
        let script = Script::default().on_create(move |spec| match &spec.image {
            image if *image == refused => Outcome::fails(ContainerError::Unsupported("missing".to_owned())),
            _ => Outcome::default(),
        });
        let script = script.on_run(|request| {
            ScriptedReply::ok(request.body["value"].to_string()).writing("to stdout\n", "to stderr\n")
        });
        let factory = ScriptedFactory::new(script);
        let image = ContainerImage::User { image: "a/b:1".parse().unwrap() };
        let subject = Subject { factory: &factory, image, code: "", missing, prefix: "scripted" };
        subject.keeps_the_contract().await;
        let calls = factory.calls();
        assert!(calls.iter().any(|call| matches!(call, Call::Run(_, body) if body["value"]["text"] == "1")));
        assert!(factory.containers().is_empty());
    }
}
