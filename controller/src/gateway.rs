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
mod managing;
mod members;
mod path;
mod routes;
mod stored;
mod target;
mod tenant;
mod verb;

use std::sync::{Arc, OnceLock};

use actix_web::HttpRequest;

pub(crate) use cache::RouteCache;

use crate::api_error::ApiError;

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
