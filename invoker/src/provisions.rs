//! Brings the images that users name to the host, for activations that wait for a container and hold nothing there
//! meanwhile: not too many for one namespace at once, each once for all of it who want it, and only while somebody does.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use whirl_containers::factory::ContainerError;
use whirl_model::{ActivationId, ImageName, Namespace};
use whirl_scheduling::pool::{Event, StartFailure};

use crate::chain;
use crate::engine;
use crate::shell::Shell;

/// So many images are brought at once for one namespace: a registry that hangs keeps nobody else waiting.
const AT_ONCE: usize = 2;
/// How often is looked whether the engine's trouble is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

type Outcome = Result<(), StartFailure>;
type Bringing = BoxFuture<'static, Outcome>;

/// An activation's part in the bringing of its image, which ends with this.
#[derive(Debug)]
pub(crate) struct Provision(AbortHandle);

impl Provision {
    /// Whether the image is still to come.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for Provision {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is being brought. Those who wait keep it going.
#[derive(Default)]
pub(crate) struct Provisions(Mutex<UnderWay>);

#[derive(Default)]
struct UnderWay {
    slots: HashMap<Namespace, Weak<Semaphore>>,
    images: HashMap<(Namespace, ImageName), WeakShared<Bringing>>,
}

impl UnderWay {
    fn slots(&mut self, namespace: &Namespace) -> Arc<Semaphore> {
        self.slots.retain(|_, slots| slots.strong_count() > 0);
        self.slots.get(namespace).and_then(Weak::upgrade).unwrap_or_else(|| {
            let slots = Arc::new(Semaphore::new(AT_ONCE));
            self.slots.insert(namespace.clone(), Arc::downgrade(&slots));
            slots
        })
    }

    /// One that is not over yet.
    fn bringing(&self, key: &(Namespace, ImageName)) -> Option<Shared<Bringing>> {
        self.images.get(key)?.upgrade().filter(|bringing| bringing.peek().is_none())
    }
}

impl Shell {
    /// Begins to bring the image of an activation's container, and tells the pool when that is done.
    pub(crate) fn provide(self: &Arc<Self>, activation: ActivationId) {
        self.attend(activation, |job| {
            let bringing = self.bringing(&job.message.caller.namespace, &job.stem.image);
            let shell = Arc::clone(self);
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
            Provision(task.abort_handle())
        });
    }

    fn bringing(self: &Arc<Self>, namespace: &Namespace, image: &ImageName) -> Shared<Bringing> {
        let key = (namespace.clone(), image.clone());
        let mut under_way = self.provisions.0.lock();
        if let Some(bringing) = under_way.bringing(&key) {
            return bringing;
        }
        let (shell, image, slots) = (Arc::clone(self), image.clone(), under_way.slots(namespace));
        let bringing = async move {
            let _slot = slots.acquire().await.expect("the semaphore is never closed");
            shell.bring(&image).await
        };
        let bringing = bringing.boxed().shared();
        under_way.images.retain(|_, other| other.upgrade().is_some());
        under_way.images.extend(bringing.downgrade().map(|weak| (key, weak)));
        bringing
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
