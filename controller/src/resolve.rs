//! From an action's name to what is run: through packages and bindings, with the rights that this takes and
//! the parameters that are inherited on the way.

use std::fmt::Display;
use std::sync::Arc;

use whirl_model::{Action, ActionPath, Arguments, EntityPath, Namespace, Package, Parameters};

use crate::api_error::ApiError;
use crate::entitlement::{self, Forbidden};
use crate::entity_cache::{EntityCache, Reading, Stored};

/// Through how many bindings a package is reached at most. A binding is made to a package, but what it names
/// may have become a binding since.
const MAX_BINDINGS: usize = 4;

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

/// A package that holds actions, as a caller reached it.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    /// The bindings on the way, that which was asked for first.
    bindings: Vec<Arc<Stored<Package>>>,
    /// The package that holds the actions.
    pub(crate) provider: Arc<Stored<Package>>,
}

impl Reached {
    /// The package or binding that was asked for.
    pub(crate) fn named(&self) -> &Package {
        &self.bindings.first().unwrap_or(&self.provider).entity
    }

    /// The binding that was asked for, if it is one.
    pub(crate) fn binding(&self) -> Option<&EntityPath> {
        self.bindings.first().map(|binding| &binding.entity.path)
    }

    /// What its actions inherit: its parameters, and those of the bindings over them.
    pub(crate) fn parameters(&self) -> Parameters {
        let own = self.provider.entity.parameters.clone();
        let over = self.bindings.iter().rev().map(|binding| binding.entity.parameters.clone());
        over.fold(own, Parameters::merged_with)
    }
}

/// One look at a package, on the way to an action or to a package's contents.
struct Look<'a> {
    reading: Reading,
    reader: &'a Namespace,
    package: &'a EntityPath,
    /// Whether the reader may be told that it is missing.
    may_know: bool,
    /// What the reader asked for.
    asked: &'a (dyn Display + Sync),
}

impl EntityCache {
    /// The action that `caller` reaches at `path`, to invoke it. An action of the default package is its
    /// owner's alone; one in a package is for all who may read the package.
    ///
    /// Errors: [`ApiError::Forbidden`]; [`ApiError::Missing`] for an action, [`ApiError::MissingNamed`] for a
    /// package that is missing; [`ApiError::NotInCollection`] if one of them is something else.
    pub(crate) async fn resolve(&self, caller: &Namespace, path: &ActionPath) -> Result<Resolved, ApiError> {
        self.resolve_by(Reading::Remembered, caller, path).await
    }

    /// The same as the store has it now, to show it or to make something that names it.
    pub(crate) async fn resolve_stored(
        &self,
        caller: &Namespace,
        path: &ActionPath,
    ) -> Result<Resolved, ApiError> {
        self.resolve_by(Reading::Stored, caller, path).await
    }

    async fn resolve_by(
        &self,
        reading: Reading,
        caller: &Namespace,
        path: &ActionPath,
    ) -> Result<Resolved, ApiError> {
        let Some(package) = path.package_path() else {
            entitlement::action(caller, path)?;
            let stored = self.action_by(reading, path).await?;
            return Ok(Resolved { stored, inherited: Parameters::default(), binding: None });
        };
        let reached = self.reach_by(reading, caller, &package, path).await?;
        let EntityPath { namespace, name: package } = reached.provider.entity.path.clone();
        let action = ActionPath { namespace, package: Some(package), name: path.name.clone() };
        let stored = self.action_by(reading, &action).await?;
        Ok(Resolved { stored, inherited: reached.parameters(), binding: reached.binding().cloned() })
    }

    /// The action of a web request, whoever sends it: what the owner of the path's namespace reaches there, so
    /// that the package need not be shared, but through a binding the owner has to have a right to what it
    /// names ([`ApiError::Forbidden`]). Whatever is not there is [`ApiError::Missing`].
    pub(crate) async fn resolve_web(&self, path: &ActionPath) -> Result<Resolved, ApiError> {
        self.resolve(&path.namespace, path).await.map_err(|error| match error {
            ApiError::MissingNamed(_) | ApiError::NotInCollection | ApiError::NoEndOfBindings(_) => {
                ApiError::Missing
            }
            error => error,
        })
    }

    /// The package that `reader` finds at `path`, or behind the binding there, as the store has them now.
    pub(crate) async fn reach(&self, reader: &Namespace, path: &EntityPath) -> Result<Reached, ApiError> {
        self.reach_by(Reading::Stored, reader, path, path).await
    }

    /// Refusals name what was `asked` for, the package itself or an action in it.
    async fn reach_by(
        &self,
        reading: Reading,
        reader: &Namespace,
        path: &EntityPath,
        asked: &(dyn Display + Sync),
    ) -> Result<Reached, ApiError> {
        let mut bindings = Vec::new();
        let mut path = path.clone();
        let mut may_know = reader == &path.namespace;
        loop {
            let package = self.look_at(Look { reading, reader, package: &path, may_know, asked }).await?;
            let Some(target) = package.entity.binding.clone() else {
                return Ok(Reached { bindings, provider: package });
            };
            if bindings.len() == MAX_BINDINGS {
                return Err(ApiError::NoEndOfBindings(asked.to_string()));
            }
            bindings.push(package);
            // The owner of a binding knows what it names.
            may_know = reader == &path.namespace || reader == &target.namespace;
            path = target;
        }
    }

    /// The package or binding itself at `path`, if `reader` may read it.
    pub(crate) async fn package_for(
        &self,
        reader: &Namespace,
        path: &EntityPath,
    ) -> Result<Arc<Stored<Package>>, ApiError> {
        let may_know = reader == &path.namespace;
        let reading = Reading::Stored;
        self.look_at(Look { reading, reader, package: path, may_know, asked: path }).await
    }

    async fn look_at(&self, look: Look<'_>) -> Result<Arc<Stored<Package>>, ApiError> {
        let Look { reading, reader, package, may_know, asked } = look;
        match self.package_by(reading, package).await {
            Ok(stored) if entitlement::reads(reader, &stored.entity) => Ok(stored),
            Err(ApiError::NotInCollection) if reader == &package.namespace => Err(ApiError::NotInCollection),
            Err(ApiError::Missing | ApiError::NotInCollection) if may_know => {
                Err(ApiError::MissingNamed(package.to_string()))
            }
            Ok(_) | Err(ApiError::Missing | ApiError::NotInCollection) => {
                Err(Forbidden(asked.to_string()).into())
            }
            Err(error) => Err(error),
        }
    }
}
