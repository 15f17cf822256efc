//! Whether what makes the containers works. It is asked only where something went wrong, or does not come.

use std::error::Error;
use std::time::Duration;

use whirl_containers::factory::ContainerFactory;

use crate::shell::Shell;

/// An engine that has not answered after this long stands still.
const LONGEST_ANSWER: Duration = Duration::from_secs(2);

/// Whether it is known to work, or answers now.
pub(crate) async fn answers(factory: &dyn ContainerFactory) -> bool {
    factory.trouble().is_none() && tokio::time::timeout(LONGEST_ANSWER, factory.answers()).await == Ok(true)
}

impl Shell {
    /// What is known of its trouble; told to the metrics too.
    pub(crate) fn check_engine(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let trouble = self.factory.trouble();
        self.metrics.engine_trouble.set(i64::from(trouble.is_some()));
        trouble.map_or(Ok(()), |trouble| Err(trouble.into()))
    }
}
