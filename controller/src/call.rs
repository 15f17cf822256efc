//! A request by someone known: what handlers of authenticated resources take out of it. Its body is read
//! with `body.rs`.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use whirl_model::{ActionPath, Caller, EntityName, EntityPath, Namespace, NamespaceLimits};

use crate::api::Api;
use crate::api_error::ApiError;
use crate::entitlement;
use crate::identity::Identity;
use crate::query::Query;
use crate::transaction::Transaction;

/// A request that passed authentication.
pub(crate) struct Call {
    /// The controller's parts.
    pub(crate) api: web::Data<Api>,
    /// Who asks.
    pub(crate) caller: Arc<Caller>,
    /// What its namespace may do where that differs from the platform's own limits.
    pub(crate) limits: Arc<NamespaceLimits>,
    /// Its identity and time.
    pub(crate) transaction: Transaction,
    /// The request itself.
    pub(crate) request: HttpRequest,
}

impl Call {
    /// The namespace in the path; `_` is the caller's own.
    pub(crate) fn namespace(&self) -> Result<Namespace, ApiError> {
        match self.segment("namespace") {
            "_" => Ok(self.caller.namespace.clone()),
            name => Ok(name.parse()?),
        }
    }

    /// The entity's name in the path.
    pub(crate) fn name(&self) -> Result<EntityName, ApiError> {
        Ok(self.segment("name").parse()?)
    }

    /// The package in the path, if the route has one.
    pub(crate) fn package(&self) -> Result<Option<EntityName>, ApiError> {
        self.request.match_info().get("package").map(str::parse).transpose().map_err(ApiError::from)
    }

    /// The action that the path names.
    pub(crate) fn action_path(&self) -> Result<ActionPath, ApiError> {
        Ok(ActionPath { namespace: self.namespace()?, package: self.package()?, name: self.name()? })
    }

    /// The package, trigger or rule that the path names.
    pub(crate) fn entity_path(&self) -> Result<EntityPath, ApiError> {
        Ok(EntityPath::new(self.namespace()?, self.name()?))
    }

    /// The package, trigger or rule that the path names, if it is the caller's own.
    pub(crate) fn own_entity(&self) -> Result<EntityPath, ApiError> {
        let path = self.entity_path()?;
        entitlement::entity(&self.caller.namespace, &path)?;
        Ok(path)
    }

    /// On whose behalf the request is.
    pub(crate) fn identity(&self) -> Identity {
        Identity { caller: self.caller.clone(), limits: self.limits.clone() }
    }

    /// The query parameters.
    pub(crate) fn query(&self) -> Result<Query, ApiError> {
        Query::parse(self.request.query_string())
    }

    /// A segment of the path as the route names it. The router has decoded it; what it leaves encoded (`%`,
    /// `/` and `+`) no name may have.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }
}

impl FromRequest for Call {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let call = || {
            let extensions = request.extensions();
            let Identity { caller, limits } = extensions.get::<Identity>()?.clone();
            Some(Self {
                api: request.app_data::<web::Data<Api>>()?.clone(),
                caller,
                limits,
                transaction: extensions.get::<Transaction>()?.clone(),
                request: request.clone(),
            })
        };
        ready(call().ok_or(ApiError::Unauthenticated))
    }
}
