//! From an action's name to what is run: through packages and bindings, with the rights that this takes and
//! the parameters that are inherited on the way.

use std::sync::Arc;

use whirl_model::{Action, ActionPath, Arguments, EntityPath, Namespace, Parameters};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::entitlement;
use crate::entity_cache::Stored;

/// An action as a caller reached it.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The action itself, at its provider's.
    pub(crate) stored: Arc<Stored<Action>>,
    /// What it inherits: its package's parameters, and those of the binding over them.
    pub(crate) inherited: Parameters,
    /// The binding through which it was reached.
    pub(crate) binding: Option<EntityPath>,
}

impl Resolved {
    /// The action.
    pub(crate) fn action(&self) -> &Action {
        &self.stored.entity
    }

    /// All parameters that are bound to it: package < binding < action.
    pub(crate) fn parameters(&self) -> Parameters {
        self.inherited.clone().merged_with(self.action().parameters.clone())
    }

    /// The arguments of a run with this payload: package < binding < action < payload.
    pub(crate) fn arguments(&self, payload: Arguments) -> Arguments {
        payload.over(&self.action().parameters).over(&self.inherited)
    }

    /// Names of bound parameters that go to the environment at `/init`.
    pub(crate) fn init_parameters(&self) -> Vec<String> {
        let own = &self.action().parameters;
        let inherited = self.inherited.iter().filter(|p| own.get(&p.key).is_none());
        inherited.chain(own.iter()).filter(|p| p.init).map(|p| p.key.clone()).collect()
    }
}

impl Api {
    /// The action that `caller` reaches at `path`, to read or to invoke it.
    pub(crate) async fn resolve(&self, caller: &Namespace, path: &ActionPath) -> Result<Resolved, ApiError> {
        entitlement::action(caller, path)?;
        let stored = self.entities.action(path).await?;
        Ok(Resolved { stored, inherited: Parameters::default(), binding: None })
    }
}
