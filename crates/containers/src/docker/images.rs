//! Brings the images that users name onto the host.

mod credentials;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use whirl_model::ImageName;

pub(super) use self::credentials::Source;
use super::engine::{Engine, EngineError};
use super::options::PullPolicy;

/// Whoever has an image waits no longer for a newer one.
const LONGEST_REFRESH: Duration = Duration::from_secs(30);
/// How many images are pulled at once.
const PULLS: usize = 16;

type Outcome = Result<(), Arc<EngineError>>;
type Pull = Shared<BoxFuture<'static, Outcome>>;

/// Pulls images; those who want the same one at the same time share one pull.
pub(super) struct Images {
    engine: Engine,
    policy: PullPolicy,
    credentials: Source,
    running: Arc<Mutex<HashMap<ImageName, Pull>>>,
    slots: Arc<Semaphore>,
}

/// What an image on the host is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Local {
    /// It is as good as a pulled one.
    Preferred,
    /// It does if none can be pulled.
    Fallback,
    /// It may be out of date.
    Useless,
}

impl Images {
    pub(super) fn new(engine: Engine, policy: PullPolicy, credentials: Source) -> Self {
        Self { engine, policy, credentials, running: Arc::default(), slots: Arc::new(Semaphore::new(PULLS)) }
    }

    /// Makes sure that a user's image is on the host, as new as the policy says.
    pub(super) async fn provide(&self, image: &ImageName) -> Outcome {
        let local = local(self.policy, image);
        if local == Local::Useless || !self.engine.has_image(&image.to_string()).await? {
            return self.pull_with_others(image).await;
        }
        if local == Local::Fallback {
            self.refresh(image).await;
        }
        Ok(())
    }

    /// Tries to have a newer one in the place of the one that is there.
    async fn refresh(&self, image: &ImageName) {
        let pull = timeout(LONGEST_REFRESH, self.pull_with_others(image)).await;
        if let Err(error) = pull.unwrap_or_else(|_elapsed| Err(Arc::new(EngineError::Timeout))) {
            let error = &*error as &dyn std::error::Error;
            tracing::warn!(error, %image, "an image cannot be pulled: the one that is there is taken");
        }
    }

    async fn pull_with_others(&self, image: &ImageName) -> Outcome {
        let pull = self.running.lock().entry(image.clone()).or_insert_with(|| self.begin(image)).clone();
        pull.await
    }

    /// Begins a pull that goes on by itself, whoever still waits for it, and is not `running` any more once it is over.
    fn begin(&self, image: &ImageName) -> Pull {
        let (pull, running, image) = (self.pull(image), Arc::clone(&self.running), image.clone());
        let pull = async move {
            let outcome = pull.await;
            running.lock().remove(&image);
            outcome
        };
        let pull = pull.boxed().shared();
        tokio::spawn(pull.clone());
        pull
    }

    fn pull(&self, image: &ImageName) -> impl Future<Output = Outcome> + use<> {
        let (engine, source) = (self.engine.clone(), self.credentials.clone());
        let (name, registry) = (with_tag(&image.to_string()), image.registry().map(str::to_owned));
        let slots = Arc::clone(&self.slots);
        async move {
            let _slot = slots.acquire().await.expect("the semaphore is never closed");
            // Without them it may still be had, if it is public.
            let credentials = source.for_registry(registry.as_deref()).await.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "registry credentials cannot be read");
                None
            });
            engine.pull(&name, credentials).await.map_err(Arc::new)
        }
    }
}

fn local(policy: PullPolicy, image: &ImageName) -> Local {
    match policy {
        _ if image.has_digest() => Local::Preferred,
        PullPolicy::Missing => Local::Preferred,
        PullPolicy::Latest if image.is_latest() => Local::Useless,
        PullPolicy::Latest => Local::Fallback,
    }
}

/// The name with `:latest` if it says neither tag nor digest.
fn with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_stays_what_it_was() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        for (image, latest, missing) in [
            ("a/b", Local::Useless, Local::Preferred),
            ("a/b:latest", Local::Useless, Local::Preferred),
            ("a/b:1", Local::Fallback, Local::Preferred),
            (&digest, Local::Preferred, Local::Preferred),
        ] {
            let image = image.parse().unwrap();
            let found = [PullPolicy::Latest, PullPolicy::Missing].map(|policy| local(policy, &image));
            assert_eq!(found, [latest, missing], "{image}");
        }
    }

    #[test]
    fn a_pull_always_names_one_image() {
        for (image, pulled) in [
            ("a/b", "a/b:latest"),
            ("a/b:1", "a/b:1"),
            ("registry.example:5000/b", "registry.example:5000/b:latest"),
            ("b@sha256:00", "b@sha256:00"),
        ] {
            assert_eq!(with_tag(image), pulled);
        }
    }
}
