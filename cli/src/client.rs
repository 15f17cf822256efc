//! The REST client: one blocking call per operation, typed where the platform's shapes are fixed, and
//! [`Client::request`] for everything else. Prints nothing and reads no configuration.

mod actions;
mod activations;
mod admin;
mod apis;
mod config;
mod download;
mod entity;
mod error;
mod follow;
mod host;
mod namespaces;
mod observer;
mod packages;
mod path;
mod plain_entities;
mod rules;
mod transport;
mod triggers;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use serde::de::DeserializeOwned;
pub use ureq::http::{HeaderMap, Method};
use whirl_model::Json;

pub use actions::{ActionBody, Actions, ExecBody, Finished, GpuBody, Invoked, LimitsBody, Wait};
pub use activations::{ActivationQuery, ActivationSummary, Activations};
pub use admin::{AdminClient, IdentityRow, NamespaceKey, NewSubject, Subject, SubjectKey, Whois};
pub use apis::{Api, ApiAction, ApiDocument, ApiQuery, ApiRow, Apis, PathParameter};
pub use config::{Auth, ClientConfig, ClientIdentity, DEFAULT_API_VERSION};
pub use download::download;
pub use entity::{EntitySummary, KeyValue, Page, value_of};
pub use error::Error;
pub use follow::{Followed, LogEvent};
pub use host::HostInfo;
pub use namespaces::Namespaces;
pub use observer::{Message, Observer};
pub use packages::{BindingBody, PackageBody, Packages};
pub use plain_entities::{PlainEntities, PlainEntity};
pub use rules::{RuleBody, RuleState, Rules};
pub use triggers::{TriggerBody, Triggers};

/// Bodies above this length (bytes) wait for the server's leave, so that one that finds them too large can
/// say so before they are sent. It is the platform's usual bound for arguments.
const LARGE_BODY: usize = 1 << 20;

/// A connection to one server with one credential. Cloning is cheap; clones share their connections.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    root: String,
    base: String,
    auth: Option<Auth>,
    observer: Option<Arc<dyn Observer>>,
}

/// What the server answered, whatever the status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header as text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The error that a failure status stands for: the server's own words if the body has them.
    #[must_use]
    pub fn to_error(&self) -> Error {
        #[derive(serde::Deserialize)]
        struct Refusal {
            error: String,
            code: serde_json::Value,
        }
        let status = self.status;
        match serde_json::from_slice::<Refusal>(&self.body) {
            Ok(Refusal { error: text, code: serde_json::Value::String(code) }) => {
                Error::Refused { status, text, code }
            }
            Ok(Refusal { error: text, code }) => Error::Refused { status, text, code: code.to_string() },
            Err(_) => Error::Unexplained { status },
        }
    }
}

/// A call whose answer is checked and decoded.
struct Call<'a> {
    method: Method,
    path: String,
    query: Vec<(&'a str, String)>,
    body: Option<Vec<u8>>,
}

impl<'a> Call<'a> {
    fn new(method: Method, segments: &[&str]) -> Self {
        Self { method, path: path::join(segments), query: Vec::new(), body: None }
    }

    fn query(mut self, key: &'a str, value: &impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).expect("request bodies are plain data"));
        self
    }
}

impl Client {
    /// A client for the given server. Sends nothing yet.
    ///
    /// # Errors
    /// When the host is no address, or a client certificate cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let root = config.root()?;
        let base = format!("{root}/api/{}", config.api_version);
        let agent = transport::agent(&config, &root)?;
        Ok(Self { agent, root, base, auth: config.auth, observer: config.observer })
    }

    /// The credential that requests carry.
    #[must_use]
    pub fn auth(&self) -> Option<&Auth> {
        self.auth.as_ref()
    }

    /// The address of the server without the API's path: `https://whirl.example`.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The address below which all paths lie: `https://whirl.example/api/v1`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The full address of a path given by its raw segments: `…/api/v1/namespaces/guest/actions/my%20action`.
    #[must_use]
    pub fn url(&self, segments: &[&str]) -> String {
        format!("{}{}", self.base, path::join(segments))
    }

    /// Calls on actions.
    #[must_use]
    pub fn actions(&self) -> Actions<'_> {
        Actions { client: self }
    }

    /// Calls on activation records.
    #[must_use]
    pub fn activations(&self) -> Activations<'_> {
        Activations { client: self }
    }

    /// Calls on namespaces.
    #[must_use]
    pub fn namespaces(&self) -> Namespaces<'_> {
        Namespaces { client: self }
    }

    /// Calls on packages.
    #[must_use]
    pub fn packages(&self) -> Packages<'_> {
        Packages::new(self)
    }

    /// Calls on triggers.
    #[must_use]
    pub fn triggers(&self) -> Triggers<'_> {
        Triggers::new(self)
    }

    /// Calls on the APIs of the gateway.
    #[must_use]
    pub fn apis(&self) -> Apis<'_> {
        Apis { client: self }
    }

    /// Calls on rules.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        Rules::new(self)
    }

    /// What the API says of itself: `build`, `buildno`, `description`, …
    ///
    /// # Errors
    /// See [`Error`].
    pub fn api_info(&self) -> Result<Json, Error> {
        self.fetch(&Call::new(Method::GET, &[]))
    }

    /// One request of any kind. `path` starts with a slash, is relative to [`Self::base`] and already
    /// percent-encoded; query values are encoded here; a body (of a POST, PUT or PATCH) is sent as
    /// `application/json`. Every status is
    /// an `Ok` answer.
    ///
    /// # Errors
    /// [`Error::Network`] when no answer came.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&[u8]>,
    ) -> Result<Response, Error> {
        self.exchange(method, &format!("{}{path}{}", self.base, path::query(query)), body)
    }

    /// One request to a whole address.
    fn exchange(&self, method: Method, url: &str, body: Option<&[u8]>) -> Result<Response, Error> {
        let failed = |source: ureq::Error| Error::Network { url: url.to_owned(), source: Box::new(source) };
        let request = self.head(method, url, body).map_err(|e| failed(e.into()))?;
        let started = Instant::now();
        self.observe_request(&request, body);
        let takes_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
        // An empty slice has length 0; no body at all would be sent in chunks.
        let answer = match body.or(takes_body.then_some(&[])) {
            Some(body) => self.agent.run(request.map(|()| body)),
            None => self.agent.run(request),
        };
        let (parts, mut content) = answer.map_err(failed)?.into_parts();
        let body = content.with_config().limit(u64::MAX).read_to_vec().map_err(failed)?;
        let response = Response { status: parts.status.as_u16(), headers: parts.headers, body };
        self.observe_answer(&response, started);
        Ok(response)
    }

    fn head(
        &self,
        method: Method,
        url: &str,
        body: Option<&[u8]>,
    ) -> Result<ureq::http::Request<()>, ureq::http::Error> {
        let mut request =
            ureq::http::Request::builder().method(method).uri(url).header("user-agent", user_agent());
        if let Some(auth) = &self.auth {
            request = request.header("authorization", auth.header());
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if body.is_some_and(|body| body.len() > LARGE_BODY) {
            request = request.header("expect", "100-continue");
        }
        request.body(())
    }

    fn observe_request(&self, request: &ureq::http::Request<()>, body: Option<&[u8]>) {
        let Some(observer) = &self.observer else { return };
        let summary = format!("[{}]\t{}", request.method(), request.uri());
        observer.sent(&self.message(&summary, request.headers(), body.unwrap_or_default()));
    }

    fn observe_answer(&self, response: &Response, started: Instant) {
        let Some(observer) = &self.observer else { return };
        let message = self.message(&response.status.to_string(), &response.headers, &response.body);
        observer.received(&message, started.elapsed());
    }

    fn message<'a>(&self, summary: &str, headers: &'a HeaderMap, body: &[u8]) -> Message<'a> {
        let obscured = |text: &str| match &self.auth {
            Some(auth) => auth.obscure(text).into_owned(),
            None => text.to_owned(),
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), obscured(&String::from_utf8_lossy(value.as_bytes()))))
            .collect();
        Message { summary: obscured(summary), headers, body: obscured(&String::from_utf8_lossy(body)) }
    }

    /// Sends a call; a failure status is an error.
    fn send(&self, call: &Call<'_>) -> Result<Response, Error> {
        let response = self.request(call.method.clone(), &call.path, &call.query, call.body.as_deref())?;
        if response.is_success() { Ok(response) } else { Err(response.to_error()) }
    }

    /// Sends a call and decodes its answer.
    fn fetch<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        let response = self.send(call)?;
        decode(call, &response)
    }
}

fn decode<T: DeserializeOwned>(call: &Call<'_>, response: &Response) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|source| Error::Body {
        method: call.method.to_string(),
        path: call.path.clone(),
        source,
    })
}

/// The form that servers of the field know: `OpenWhisk-CLI/1.0 (BUILD) OS ARCH`.
fn user_agent() -> String {
    use std::env::consts::{ARCH, OS};
    format!("OpenWhisk-CLI/1.0 ({}) {OS} {ARCH}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn an_error_needs_both_text_and_code() {
        let refused = response(404, r#"{"error":"not here","code":"abc"}"#).to_error();
        assert_eq!(refused.to_string(), "not here (code abc)");
        assert_eq!(response(409, r#"{"code":17,"error":"x"}"#).to_error().to_string(), "x (code 17)");
        for body in ["", "<html>", r#"{"error":"x"}"#] {
            let error = response(502, body).to_error();
            assert_eq!(error.to_string(), "The connection failed, or timed out. (HTTP status code 502)");
        }
    }

    #[test]
    fn urls_lie_below_the_versioned_api() {
        let client = Client::new(ClientConfig::new("h.example")).unwrap();
        let url = client.url(&["web", "guest", "default", "a b"]);
        assert_eq!(url, "https://h.example/api/v1/web/guest/default/a%20b");
    }
}
