//! The API that is measured: makes and deletes entities with the typed client, and builds the requests that the
//! lean one sends.

use std::net::{SocketAddr, ToSocketAddrs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
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
        self.put_action(name, &json!({ "exec": language.exec(), "limits": limits }))
    }

    /// Makes or changes any action.
    pub(crate) fn put_action(&self, name: &str, body: &Value) -> Result<(), Error> {
        self.put("actions", name, body)
    }

    /// Makes a no-op action that is a web action too.
    pub(crate) fn create_web_action(&self, name: &str, language: Language) -> Result<(), Error> {
        let annotations = json!([{ "key": "web-export", "value": true }]);
        self.put_action(name, &json!({ "exec": language.exec(), "annotations": annotations }))
    }

    /// Makes a trigger, and a rule that leads from it to an action.
    pub(crate) fn create_trigger(&self, name: &str, action: &str) -> Result<(), Error> {
        self.put("triggers", name, &json!({}))?;
        let rule = json!({ "trigger": format!("/_/{name}"), "action": format!("/_/{action}") });
        self.put("rules", &format!("{name}-rule"), &rule)
    }

    /// Makes a sequence of so many times the same action.
    pub(crate) fn create_sequence(&self, name: &str, step: &str, length: u32) -> Result<(), Error> {
        let components: Vec<_> = (0..length).map(|_| format!("/_/{step}")).collect();
        self.put_action(name, &json!({ "exec": { "kind": "sequence", "components": components } }))
    }

    pub(crate) fn delete_action(&self, name: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("actions/{name}"), &[], None)
    }

    /// What a blocking invocation for the result alone is called with.
    pub(crate) fn invoke_request(&self, name: &str) -> Request {
        let path = format!("/api/v1/namespaces/_/actions/{name}?blocking=true&result=true");
        Request::post(self.address, &path, &self.authorization, "{}")
    }

    /// What an invocation that nobody waits for is called with.
    pub(crate) fn non_blocking_request(&self, name: &str) -> Request {
        let path = format!("/api/v1/namespaces/_/actions/{name}");
        Request::post(self.address, &path, &self.authorization, "{}")
    }

    /// What a trigger is fired with.
    pub(crate) fn fire_request(&self, name: &str) -> Request {
        let path = format!("/api/v1/namespaces/_/triggers/{name}");
        Request::post(self.address, &path, &self.authorization, "{}")
    }

    /// What anybody calls a web action of the namespace `guest` with.
    pub(crate) fn web_request(&self, name: &str) -> Request {
        Request::post(self.address, &format!("/api/v1/web/guest/default/{name}.json"), "", "{}")
    }

    /// A GET of what lies in the caller's namespace.
    pub(crate) fn get_request(&self, path: &str) -> Request {
        let path = format!("/api/v1/namespaces/_/{path}");
        Request::get_with(self.address, &path, &self.authorization)
    }

    fn put(&self, collection: &str, name: &str, body: &Value) -> Result<(), Error> {
        let query = [("overwrite", "true".to_owned())];
        self.ask(Method::PUT, &format!("{collection}/{name}"), &query, Some(&body.to_string()))
    }

    fn ask(
        &self,
        method: Method,
        entity: &str,
        query: &[(&str, String)],
        body: Option<&str>,
    ) -> Result<(), Error> {
        let doing = format!("{method} {entity}");
        let path = format!("/namespaces/_/{entity}");
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
