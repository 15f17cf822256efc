//! The task that watches over the engine: asks whether it is there, and removes the strays once it is.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::engine::Engine;
use super::removal::Remover;
use super::strays::Strays;

/// How often the engine is asked, and how long an answer may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) while_sound: Duration,
    pub(super) while_in_doubt: Duration,
    pub(super) limit: Duration,
}

/// An engine that hangs is found out after seven seconds at most.
pub(super) const PACE: Pace = Pace {
    while_sound: Duration::from_secs(2),
    while_in_doubt: Duration::from_secs(1),
    limit: Duration::from_secs(2),
};

/// Ends with this value.
#[derive(Debug)]
pub(super) struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins to watch.
pub(super) fn watch(engine: Engine, remover: Remover, strays: Arc<Strays>, pace: Pace) -> Watch {
    let task = tokio::spawn(async move {
        // Side by side: a removal may be what the engine hangs in.
        tokio::join!(ask(&engine, pace), sweep(&engine, &remover, &strays, pace));
    });
    Watch(task.abort_handle())
}

async fn ask(engine: &Engine, pace: Pace) {
    loop {
        match timeout(pace.limit, engine.ping()).await {
            Ok(true) => engine.pulse().answered(),
            Ok(false) | Err(_) => engine.pulse().missed(),
        }
        let is_sound = engine.pulse().is_sound();
        sleep(if is_sound { pace.while_sound } else { pace.while_in_doubt }).await;
    }
}

async fn sweep(engine: &Engine, remover: &Remover, strays: &Strays, pace: Pace) {
    loop {
        sleep(pace.while_sound).await;
        engine.pulse().until_answering().await;
        if let Err(error) = remover.remove_strays(strays).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a container that came up late cannot be removed; trying again");
        }
    }
}
