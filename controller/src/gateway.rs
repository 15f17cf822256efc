//! The API gateway: descriptions of APIs, written through the paths of OpenWhisk's `apimgmt` package, and a port of
//! its own where each API's paths lead to web actions.
//!
//! It decides which web action a request means. What becomes of the request then is `web.rs`'s business.

mod assembly;
mod cache;
pub(crate) mod create;
pub(crate) mod delete;
mod document;
pub(crate) mod get;
pub(crate) mod listener;
mod members;
mod path;
mod routes;
mod stored;
mod target;
mod tenant;
mod verb;

use std::sync::{Arc, OnceLock};

use actix_web::HttpRequest;
use actix_web::web::Payload;
use serde::Serialize;
use whirl_model::json::JsonKind;
use whirl_model::{Json, Namespace};

use crate::api_error::ApiError;
use crate::body;
use crate::call::Call;
use crate::query::Query;
pub(crate) use cache::RouteCache;
use document::{ApiDocument, Selection};
use members::Members;
use path::BasePath;

/// Bytes of `HOST:PORT` that a request may be sent to: its host is written into every operation of an API.
const MAX_HOST: usize = 261;

/// The gateway's part of a controller.
pub(crate) struct Gateway {
    pub(crate) routes: Arc<RouteCache>,
    /// The URL that users know it by, if that is not the API's host with the gateway's port.
    url: Option<String>,
    /// The port where it listens, once it does.
    port: OnceLock<u16>,
}

impl Gateway {
    /// One that does not listen yet.
    pub(crate) fn new(routes: Arc<RouteCache>, url: Option<String>) -> Self {
        let url = url.map(|url| url.trim_end_matches('/').to_owned()).filter(|url| !url.is_empty());
        Self { routes, url, port: OnceLock::new() }
    }

    /// It listens at this port.
    pub(crate) fn listens(&self, port: u16) {
        // Of several listeners the first counts.
        let _ = self.port.set(port);
    }

    /// The gateway's URL for who sent a request to the API.
    fn url(&self, request: &HttpRequest) -> Result<String, ApiError> {
        match (&self.url, self.port.get()) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(port)) => {
                Ok(format!("http://{}:{port}", without_port(request.connection_info().host())))
            }
            (None, None) => Err(ApiError::NoGateway),
        }
    }
}

/// The host of `HOST[:PORT]`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// An API as clients get it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    gw_api_url: String,
    gw_api_activated: bool,
    tenant_id: String,
    namespace: Namespace,
    apidoc: Json,
}

/// A request to a management operation, by someone who may.
struct Managing {
    tenant: Namespace,
    gateway_url: String,
    query: Query,
}

impl Managing {
    /// Checks that there is a gateway, and that the space asked for, if there is one, is the caller's.
    fn of(call: &Call) -> Result<Self, ApiError> {
        Self::with(call, call.query()?)
    }

    /// The same for an operation whose parameters may come as a JSON object too, as a web action's do.
    async fn of_either(call: &Call, payload: Payload) -> Result<Self, ApiError> {
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
    fn selection(&self) -> Selection {
        let text = |name| self.query.text(name).map(str::to_owned);
        Selection { path: text("relpath"), verb: text("operation") }
    }

    fn show(&self, document: &ApiDocument) -> Shown {
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
fn check_space(call: &Call, space: Option<&str>) -> Result<(), ApiError> {
    match space {
        Some(space) if space != call.caller.uuid => Err(ApiError::Forbidden(space.to_owned())),
        _ => Ok(()),
    }
}

/// What `basepath` names: an API's base path or, without a slash at its beginning, its name.
enum Named {
    At(BasePath),
    Called(String),
}

impl Named {
    fn parse(text: &str) -> Result<Self, ApiError> {
        if text.starts_with('/') {
            BasePath::parse(text).map(Self::At)
        } else {
            Ok(Self::Called(text.to_owned()))
        }
    }

    /// The API that is at the path, or those that are called so.
    async fn find(&self, call: &Call, tenant: &Namespace) -> Result<Vec<ApiDocument>, ApiError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_ports() {
        for (host, name) in [
            ("h:3233", "h"),
            ("h", "h"),
            ("[::1]:3233", "[::1]"),
            ("[::1]", "[::1]"),
            ("1.2.3.4:1", "1.2.3.4"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
