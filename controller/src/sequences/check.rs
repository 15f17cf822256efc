//! Whether a sequence may be written as it is: what its components are is looked up, also those of sequences among
//! them. What becomes of them later shows when the sequence runs.

use std::future::Future;
use std::pin::Pin;

use whirl_model::{ActionPath, Namespace};

use super::sequence::TOO_LONG;
use crate::api::Api;
use crate::api_error::ApiError;

const REFERS_TO_ITSELF: &str = "Sequence may not refer to itself.";

/// One that is to be written.
struct Planned<'a> {
    /// Where.
    path: &'a ActionPath,
    /// Actions that it may have.
    limit: usize,
}

/// Components with who has to reach them.
#[derive(Clone, Copy)]
struct Inside<'a> {
    reader: &'a Namespace,
    components: &'a [ActionPath],
    /// Sequences around them.
    depth: usize,
}

impl Api {
    /// Whether a sequence of these components may be written at `path` by `caller`: all are there and may be
    /// read, none leads back to it, and there are not too many with those of sequences among them.
    pub(crate) async fn check_components(
        &self,
        caller: &Namespace,
        path: &ActionPath,
        components: &[ActionPath],
    ) -> Result<(), ApiError> {
        let limit = usize::try_from(self.config.sequence_length).unwrap_or(usize::MAX);
        if components.is_empty() {
            return Err(ApiError::malformed("A sequence needs at least one component."));
        }
        if components.len() > limit {
            return Err(ApiError::malformed(TOO_LONG));
        }
        let planned = Planned { path, limit };
        self.count_actions(&planned, Inside { reader: caller, components, depth: 1 }).await.map(drop)
    }

    /// Actions that the components stand for together: 1 each, or those of the sequence that it is. What is in a
    /// sequence is reached by its owner.
    fn count_actions<'a>(
        &'a self,
        planned: &'a Planned<'a>,
        inside: Inside<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<usize, ApiError>> + Send + 'a>> {
        Box::pin(async move {
            let Inside { reader, components, depth } = inside;
            let mut actions = 0;
            for component in components {
                let resolved = self
                    .entities
                    .resolve_stored(reader, component)
                    .await
                    .map_err(|error| missing(error, component))?;
                let action = resolved.action();
                if action.path == *planned.path {
                    return Err(ApiError::malformed(REFERS_TO_ITSELF));
                }
                actions += match action.exec.components() {
                    None => 1,
                    Some(_) if depth > planned.limit => return Err(ApiError::malformed(TOO_LONG)),
                    Some(components) => {
                        let reader = &action.path.namespace;
                        self.count_actions(planned, Inside { reader, components, depth: depth + 1 }).await?
                    }
                };
                if actions > planned.limit {
                    return Err(ApiError::malformed(TOO_LONG));
                }
            }
            Ok(actions)
        })
    }
}

/// That a component is missing is the sequence's fault, not that of the address it is written to.
fn missing(error: ApiError, component: &ActionPath) -> ApiError {
    match error {
        ApiError::Missing | ApiError::MissingNamed(_) | ApiError::NotInCollection => {
            ApiError::malformed(format!("Sequence component does not exist: '{component}'."))
        }
        error => error,
    }
}
