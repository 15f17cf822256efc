//! What the operations that manage APIs have in common: who asks, about which APIs, and how they are shown.

use actix_web::web::Payload;
use serde::Serialize;
use whirl_model::json::JsonKind;
use whirl_model::{Json, Namespace};

use super::document::{ApiDocument, Selection};
use super::members::Members;
use super::path::BasePath;
use super::{stored, tenant};
use crate::api_error::ApiError;
use crate::body;
use crate::call::Call;
use crate::query::Query;

/// Bytes of `HOST:PORT` that a request may be sent to: its host is written into every operation of an API.
const MAX_HOST: usize = 261;

/// An API as clients get it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    gw_api_url: String,
    gw_api_activated: bool,
    tenant_id: String,
    namespace: Namespace,
    apidoc: Json,
}

/// A request to a management operation, by someone who may.
pub(super) struct Managing {
    pub(super) tenant: Namespace,
    gateway_url: String,
    pub(super) query: Query,
}

impl Managing {
    /// Checks that there is a gateway, and that the space asked for, if there is one, is the caller's.
    pub(super) fn of(call: &Call) -> Result<Self, ApiError> {
        Self::with(call, call.query()?)
    }

    /// The same for an operation whose parameters may come as a JSON object too, as a web action's do.
    pub(super) async fn of_either(call: &Call, payload: Payload) -> Result<Self, ApiError> {
        let limit = call.api.config.limits.payload_bytes;
        let bytes = body::read_any(call.request.headers(), payload, limit).await?;
        let given: Members = if bytes.is_empty() { Members::new() } else { body::parse(&bytes)? };
        let plain = given.into_iter().filter_map(|(name, value)| Some((name, plain_text(&value)?)));
        Self::with(call, call.query()?.or(plain))
    }

    fn with(call: &Call, query: Query) -> Result<Self, ApiError> {
        check_space(call, query.text("spaceguid"))?;
        if call.request.connection_info().host().len() > MAX_HOST {
            return Err(ApiError::malformed("The request's host is too long."));
        }
        let gateway_url = call.api.gateway.url(&call.request)?;
        Ok(Self { tenant: call.caller.namespace.clone(), gateway_url, query })
    }

    /// The operations that `relpath` and `operation` select.
    pub(super) fn selection(&self) -> Selection {
        let text = |name| self.query.text(name).map(str::to_owned);
        Selection { path: text("relpath"), verb: text("operation") }
    }

    pub(super) fn show(&self, document: &ApiDocument) -> Shown {
        let tenant_id = tenant::id(&self.tenant);
        Shown {
            gw_api_url: format!("{}/api/{tenant_id}{}", self.gateway_url, document.base_path().prefix()),
            gw_api_activated: true,
            tenant_id,
            namespace: self.tenant.clone(),
            apidoc: document.to_json(),
        }
    }
}

/// What a query would say in place of a string, a number or a boolean.
fn plain_text(value: &Json) -> Option<String> {
    match value.kind() {
        JsonKind::String => value.to_text(),
        JsonKind::Number | JsonKind::Bool => Some(value.as_str().to_owned()),
        _ => None,
    }
}

/// A space is a namespace by its UUID. Clients name that of their credentials.
pub(super) fn check_space(call: &Call, space: Option<&str>) -> Result<(), ApiError> {
    match space {
        Some(space) if space != call.caller.uuid => Err(ApiError::Forbidden(space.to_owned())),
        _ => Ok(()),
    }
}

/// What `basepath` names: an API's base path or, without a slash at its beginning, its name.
pub(super) enum Named {
    At(BasePath),
    Called(String),
}

impl Named {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.starts_with('/') {
            BasePath::parse(text).map(Self::At)
        } else {
            Ok(Self::Called(text.to_owned()))
        }
    }

    /// The API that is at the path, or those that are called so.
    pub(super) async fn find(&self, call: &Call, tenant: &Namespace) -> Result<Vec<ApiDocument>, ApiError> {
        let store = &*call.api.stores.entities;
        match self {
            Self::At(path) => {
                let found = stored::one(store, tenant, path).await?;
                Ok(found.map(|(document, _)| document).into_iter().collect())
            }
            Self::Called(name) => {
                let mut all = stored::all(store, tenant).await?;
                all.retain(|document| document.title().as_ref() == Some(name));
                Ok(all)
            }
        }
    }
}
