//! An invocation that happens once for its key, however often it is asked for.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use tokio::time::Instant;
use whirl_model::{ActivationId, Namespace};

use super::Keyed;
use super::turn::Turn;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::dispatch::{Dispatched, Invocation};

/// How often a result is looked for: at first, and at last.
const LOOKS_EVERY: Duration = Duration::from_millis(10);
const LOOKS_AT_LAST_EVERY: Duration = Duration::from_millis(100);

impl Api {
    /// Runs an action once for its key. Each caller is answered as it asks: with the result if it waits and the
    /// result comes in time, else with the activation's id.
    pub(crate) async fn invoke_once(
        api: &Data<Self>,
        keyed: Keyed,
        invocation: Invocation,
    ) -> Result<Dispatched, ApiError> {
        let (namespace, wait) = (keyed.namespace.clone(), invocation.wait);
        match api.turn(keyed, wait).await? {
            Turn::Again(id) => api.outcome(&namespace, id, wait).await,
            Turn::First(permit) => {
                let (api, id) = (api.clone(), permit.id());
                // A task of its own: a client that goes away leaves nothing open.
                let running = tokio::spawn(async move {
                    let outcome = api.invoke(Invocation { id, ..invocation }).await;
                    permit.settle(&api, outcome.is_ok()).await;
                    outcome
                });
                running.await.map_err(|panicked| ApiError::Internal(panicked.into()))?
            }
        }
    }

    /// How an accepted activation ended, if it does while the caller waits.
    async fn outcome(
        &self,
        namespace: &Namespace,
        id: ActivationId,
        wait: Option<Duration>,
    ) -> Result<Dispatched, ApiError> {
        let Some(wait) = wait else { return Ok(Dispatched::Accepted(id)) };
        let deadline = Instant::now() + wait;
        let mut pause = LOOKS_EVERY;
        loop {
            if let Some(record) = self.acknowledgements.result(namespace, id) {
                return Ok(Dispatched::Finished(record));
            }
            // That the store is away does not change what was accepted.
            if let Ok(record) = self.stores.activations.get(namespace, id).await {
                return Ok(Dispatched::Finished(Arc::new(record)));
            }
            if Instant::now() + pause > deadline {
                return Ok(Dispatched::Accepted(id));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOKS_AT_LAST_EVERY);
        }
    }
}
