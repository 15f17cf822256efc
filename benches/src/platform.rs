//! The API that is measured: makes and deletes actions with the typed client, and builds the requests that the
//! lean one sends.

use std::net::{SocketAddr, ToSocketAddrs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use whirl_cli::client::{Auth, Client, ClientConfig, Method};

use crate::action::Language;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::server::Server;

/// Log limits that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    Default,
    Zero,
}

impl Logs {
    pub(crate) const BOTH: [Self; 2] = [Self::Default, Self::Zero];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Default => "default logs",
            Self::Zero => "log limit 0",
        }
    }
}

/// An API and a key for it.
pub(crate) struct Platform {
    client: Client,
    address: SocketAddr,
    authorization: String,
}

impl Platform {
    /// The API of a process of our own.
    pub(crate) fn of(server: &Server) -> Result<Self, Error> {
        Self::at(&format!("http://{}", server.api()), &server.auth()?)
    }

    /// The API at an `http` address.
    pub(crate) fn at(host: &str, auth: &str) -> Result<Self, Error> {
        let address = address_of(host)?;
        let config = ClientConfig::new(host).with_auth(Auth::new(auth));
        let client = Client::new(config).map_err(api("take the address"))?;
        let authorization = format!("Authorization: Basic {}\r\n", STANDARD.encode(auth));
        Ok(Self { client, address, authorization })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        Connection::open(self.address).map_err(Error::io("connect to whirl"))
    }

    /// Makes a no-op action.
    pub(crate) fn create_action(&self, name: &str, language: Language, logs: Logs) -> Result<(), Error> {
        let limits = match logs {
            Logs::Default => json!({}),
            Logs::Zero => json!({ "logs": 0 }),
        };
        let body = json!({
            "exec": { "kind": language.kind(), "code": language.code() },
            "limits": limits,
        });
        self.ask(Method::PUT, name, &[("overwrite", "true".to_owned())], Some(&body.to_string()))
    }

    /// Makes a sequence of so many times the same action.
    pub(crate) fn create_sequence(&self, name: &str, step: &str, length: u32) -> Result<(), Error> {
        let components: Vec<_> = (0..length).map(|_| format!("/_/{step}")).collect();
        let body = json!({ "exec": { "kind": "sequence", "components": components } });
        self.ask(Method::PUT, name, &[("overwrite", "true".to_owned())], Some(&body.to_string()))
    }

    pub(crate) fn delete_action(&self, name: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, name, &[], None)
    }

    /// What a blocking invocation for the result alone is called with.
    pub(crate) fn invoke_request(&self, name: &str) -> Request {
        let path = format!("/api/v1/namespaces/_/actions/{name}?blocking=true&result=true");
        Request::post(self.address, &path, &self.authorization, "{}")
    }

    /// A GET of what lies in the caller's namespace.
    pub(crate) fn get_request(&self, path: &str) -> Request {
        let path = format!("/api/v1/namespaces/_/{path}");
        Request::get_with(self.address, &path, &self.authorization)
    }

    fn ask(
        &self,
        method: Method,
        name: &str,
        query: &[(&str, String)],
        body: Option<&str>,
    ) -> Result<(), Error> {
        let doing = format!("{method} the action '{name}'");
        let path = format!("/namespaces/_/actions/{name}");
        let answer = self.client.request(method, &path, query, body.map(str::as_bytes));
        let answer = answer.map_err(api(doing.as_str()))?;
        if answer.is_success() { Ok(()) } else { Err(api(doing.as_str())(answer.to_error())) }
    }
}

/// Where an `http` address without a path leads.
pub(crate) fn address_of(url: &str) -> Result<SocketAddr, Error> {
    let name = url.strip_prefix("http://").map(|name| name.trim_end_matches('/'));
    let unsuitable = || Error::Unsuitable(format!("'{url}' is not of the form http://HOST:PORT"));
    let addresses = name.ok_or_else(unsuitable)?.to_socket_addrs();
    addresses.map_err(Error::io(format!("find {url}")))?.next().ok_or_else(unsuitable)
}

fn api(doing: &str) -> impl FnOnce(whirl_cli::client::Error) -> Error {
    let doing = doing.to_owned();
    move |source| Error::Api { doing, source }
}
