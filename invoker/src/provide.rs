//! Brings the image of an activation's container to the host, for as long as the activation waits. What is under way is
//! in `provisions.rs`.

use std::sync::Arc;
use std::time::Duration;

use whirl_containers::factory::ContainerError;
use whirl_model::{ActivationId, ImageName};
use whirl_scheduling::pool::{Event, StartFailure};

use crate::chain;
use crate::engine;
use crate::provisions::{Outcome, Provision};
use crate::shell::Shell;

/// How often is looked whether the engine's trouble is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Shell {
    /// Begins to bring the image of an activation's container, and tells the pool when that is done.
    pub(crate) fn provide(self: &Arc<Self>, activation: ActivationId) {
        self.attend(activation, |job| {
            let image = job.stem.image.clone();
            let (shell, bringer) = (Arc::clone(self), Arc::clone(self));
            let bring = async move { bringer.bring(&image).await };
            let bringing = self.provisions.join(&job.message.caller.namespace, &job.stem.image, bring);
            let task = self.background.spawn(async move {
                tokio::select! {
                    biased;
                    () = shell.until_closing() => {}
                    outcome = bringing => {
                        shell.turn(match outcome {
                            Ok(()) => Event::Provided(activation),
                            Err(failure) => Event::NotProvided(activation, failure),
                        });
                    }
                }
            });
            Provision::new(task.abort_handle())
        });
    }

    /// Tries until the engine has answered. Then who named the image is to blame if it cannot be had.
    async fn bring(&self, image: &ImageName) -> Outcome {
        loop {
            let Err(error) = self.factory.provide(image).await else { return Ok(()) };
            tracing::warn!(error = chain(&error), %image, "an image cannot be had");
            let is_silent = matches!(error, ContainerError::PullSilent { .. });
            if !is_silent && engine::answers(&*self.factory).await {
                let message = match error {
                    ContainerError::Unsupported(text) => text,
                    _ => format!("Failed to pull container image '{image}'."),
                };
                return Err(StartFailure { message, developers: true });
            }
            while !engine::answers(&*self.factory).await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}
