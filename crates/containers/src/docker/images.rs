//! Brings the images that users name onto the host.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use whirl_model::ImageName;

use super::engine::{Engine, EngineError};
use super::options::PullPolicy;

type Outcome = Result<(), Arc<EngineError>>;
type Pull = Shared<BoxFuture<'static, Outcome>>;

/// Pulls images; those who want the same one at the same time share one pull.
pub(super) struct Images {
    engine: Engine,
    policy: PullPolicy,
    running: Mutex<HashMap<ImageName, Pull>>,
}

impl Images {
    pub(super) fn new(engine: Engine, policy: PullPolicy) -> Self {
        Self { engine, policy, running: Mutex::default() }
    }

    /// Makes sure that a user's image is on the host, as new as the policy says.
    pub(super) async fn provide(&self, image: &ImageName) -> Outcome {
        let must_be_fresh = self.policy == PullPolicy::Latest && image.is_latest();
        if !must_be_fresh && self.engine.has_image(&image.to_string()).await? {
            return Ok(());
        }
        let pull = self.running.lock().entry(image.clone()).or_insert_with(|| self.pull(image)).clone();
        let outcome = pull.await;
        let mut running = self.running.lock();
        if running.get(image).is_some_and(|pull| pull.peek().is_some()) {
            running.remove(image);
        }
        outcome
    }

    fn pull(&self, image: &ImageName) -> Pull {
        let engine = self.engine.clone();
        let name = with_tag(&image.to_string());
        async move { engine.pull(&name).await.map_err(Arc::new) }.boxed().shared()
    }
}

/// The name with `:latest` if it says neither tag nor digest.
fn with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::with_tag;

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
