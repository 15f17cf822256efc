//! Removes containers, whatever state they are in and whoever started them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout};

use super::cgroup::{Group, Motion};
use super::engine::{ASK_AGAIN, Engine, EngineError};
use super::known::Known;
use super::spec::OWNER_LABEL;
use super::strays::Strays;
use crate::factory::ContainerName;

/// How long the engine may take to finish a removal that somebody else began.
const LONGEST: Duration = Duration::from_secs(60);
/// How long the reader of a container that is removed has to take what it wrote last.
const LAST_WORDS: Duration = Duration::from_secs(1);
const IN_PARALLEL: usize = 8;

/// Removes the containers of one owner.
#[derive(Clone)]
pub(super) struct Remover {
    pub(super) engine: Engine,
    pub(super) known: Arc<Known>,
    pub(super) owner: String,
}

impl Remover {
    /// Ends and removes a container, if there is one of that name.
    pub(super) async fn remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        let mut removal = std::pin::pin!(self.thaw_and_remove(name));
        let outcome = match timeout(LAST_WORDS, &mut removal).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                if let Some(container) = self.known.get(name) {
                    container.cut_output();
                }
                removal.await
            }
        };
        if outcome.is_ok() {
            self.known.forget(name);
        }
        outcome
    }

    /// Removes every container of the owner; gives their number.
    pub(super) async fn remove_all(&self) -> Result<usize, EngineError> {
        self.remove_each(self.there().await?).await
    }

    /// Removes a container if it is the owner's; whether it was.
    pub(super) async fn remove_own(&self, name: &ContainerName) -> Result<bool, EngineError> {
        let is_own = self.there().await?.contains(name);
        if is_own {
            self.remove(name).await?;
        }
        Ok(is_own)
    }

    /// Removes those strays that are there by now.
    pub(super) async fn remove_strays(&self, strays: &Strays) -> Result<usize, EngineError> {
        if strays.names().is_empty() {
            return Ok(0);
        }
        // By the owner's label too: what has the name but is somebody else's is left alone.
        let found = strays.found_among(&self.there().await?);
        for name in &found {
            tracing::warn!(container = %name, "a container came up after its creation was given up");
        }
        let number = self.remove_each(found.clone()).await?;
        found.iter().for_each(|name| strays.forget(name));
        Ok(number)
    }

    async fn remove_each(&self, names: Vec<ContainerName>) -> Result<usize, EngineError> {
        let number = names.len();
        let removals = names.into_iter().map(|name| async move { self.remove(&name).await });
        let outcomes: Vec<_> = stream::iter(removals).buffer_unordered(IN_PARALLEL).collect().await;
        outcomes.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(number)
    }

    /// The owner's containers, running or not.
    async fn there(&self) -> Result<Vec<ContainerName>, EngineError> {
        let names = self.engine.list(OWNER_LABEL, &self.owner).await?;
        Ok(names.iter().map(|name| ContainerName::new(name)).collect())
    }

    async fn thaw_and_remove(&self, name: &ContainerName) -> Result<(), EngineError> {
        let group = self.group(name).await;
        self.thaw(name, group.as_deref()).await;
        if let Some(group) = &group {
            note("lift the CPU limit", name, group.lift_cpu_limit());
        }
        match self.engine.remove(name.as_str()).await {
            Err(EngineError::NotFound(_)) => Ok(()),
            Err(EngineError::Refused { status: 409, .. }) => self.wait_until_gone(name).await,
            other => other,
        }
    }

    /// A frozen process of a version 1 control group ignores even SIGKILL. The engine does not know what was
    /// frozen past it, also by a process that is no more, and this one not what was frozen by the engine. That
    /// most containers are not frozen, or gone, is no failure; nor is another, as the removal may still succeed.
    async fn thaw(&self, name: &ContainerName, group: Option<&Group>) {
        if let Some(freezer) = group.and_then(Group::freezer) {
            note("thaw", name, freezer.set(Motion::Thawed).await);
        }
        let _may_not_be_paused = self.engine.resume(name.as_str()).await;
    }

    /// Its control groups, also if another process started it.
    async fn group(&self, name: &ContainerName) -> Option<Arc<Group>> {
        if let Some(container) = self.known.get(name) {
            return container.group.clone();
        }
        let found = self.engine.inspect(name.as_str()).await.ok()?;
        let (group, _meter) = self.engine.is_local().then(|| Group::of(&found)).flatten()?;
        Some(Arc::new(group))
    }

    /// Waits for a removal that somebody else began.
    async fn wait_until_gone(&self, name: &ContainerName) -> Result<(), EngineError> {
        let deadline = Instant::now() + LONGEST;
        while Instant::now() < deadline {
            match self.engine.inspect(name.as_str()).await {
                Err(EngineError::NotFound(_)) => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) => sleep(ASK_AGAIN).await,
            }
        }
        Err(EngineError::Timeout)
    }
}

fn note(what: &'static str, name: &ContainerName, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(error = &error as &dyn std::error::Error, container = %name, what, "cannot be done directly");
    }
}
