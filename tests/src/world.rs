//! One installation of the platform, and the verbs of the scenarios.

pub(crate) mod action;
pub(crate) mod server;

use std::env;
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use whirl_cli::client::{Auth, Method};
use whirl_cli::{Client, ClientConfig};

use crate::{Answer, RawRequest, Record};
use crate::{host, leftovers};
use action::ActionBuilder;
use server::{Server, ServerOptions};

/// How long a scenario waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(45);
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// A platform to act on. Dropping it stops its process and removes all that the process had.
pub struct World {
    host: String,
    auth: String,
    client: Client,
    server: Option<Server>,
}

/// The world of all scenarios of one test executable that are running at the same time.
#[derive(Debug, Default)]
pub struct Shared(Mutex<Weak<World>>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World({})", self.host)
    }
}

impl Shared {
    /// Nobody's world yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The world of those who are running now; a new one if there is none. The last to let go ends it.
    pub fn join(&self, start: impl FnOnce() -> Option<World>) -> Option<Arc<World>> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = current.upgrade() {
            return Some(world);
        }
        let world = Arc::new(start()?);
        *current = Arc::downgrade(&world);
        Some(world)
    }
}

impl World {
    /// The set-up that `WHIRL_TEST_HOST` names, else a new process with Docker containers. `None`, having said so,
    /// if there is no Docker.
    #[must_use]
    pub fn start() -> Option<Self> {
        match (env::var("WHIRL_TEST_HOST"), env::var("WHIRL_TEST_AUTH")) {
            (Ok(host), Ok(auth)) => Some(Self::connect(&host, &auth, None)),
            _ => Self::start_process(ServerOptions::docker()),
        }
    }

    /// A new process, whatever the environment says; for scenarios that kill it or look behind it. `None`, having
    /// said so, if it needs Docker and there is none, or if another set-up is to be tested.
    #[must_use]
    pub fn start_process(options: ServerOptions) -> Option<Self> {
        can_start(&options)?;
        Some(Self::of(Server::start(options)))
    }

    /// The same, with what its process answered first of all to a request that was sent, to the address given, again
    /// and again while it started.
    #[must_use]
    pub fn start_asking(
        options: ServerOptions,
        request: impl FnOnce(&str) -> RawRequest,
    ) -> Option<(Self, Answer)> {
        can_start(&options)?;
        let (server, answer) = Server::start_asking(options, request);
        Some((Self::of(server), answer))
    }

    fn of(server: Server) -> Self {
        let (host, auth) = (format!("http://127.0.0.1:{}", server.port()), server.auth().to_owned());
        Self::connect(&host, &auth, Some(server))
    }

    pub(crate) fn connect(host: &str, auth: &str, server: Option<Server>) -> Self {
        let config = ClientConfig::new(host).with_auth(Auth::new(auth));
        let client = Client::new(config).unwrap();
        Self { host: client.root().to_owned(), auth: auth.to_owned(), client, server }
    }

    /// The same platform as a new user sees it, who has a namespace of their own. This one has to outlive it.
    ///
    /// # Panics
    /// When it is a set-up that runs elsewhere.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Self {
        let key = fs::read_to_string(self.server().data().join("admin.key")).unwrap();
        let admin = format!("127.0.0.1:{}", self.server().admin_port());
        let request = RawRequest::new(&admin, "POST", &format!("/admin/subjects/{name}"));
        let made = request.header("Authorization", &format!("Bearer {}", key.trim())).send().ok();
        Self::connect(&self.host, made["credentials"].as_str().unwrap(), None)
    }

    /// The process behind it.
    ///
    /// # Panics
    /// When it is a set-up that runs elsewhere.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("a process of this test")
    }

    /// The process behind it, to kill and to start again.
    ///
    /// # Panics
    /// When it is a set-up that runs elsewhere.
    pub fn server_mut(&mut self) -> &mut Server {
        self.server.as_mut().expect("a process of this test")
    }

    /// Ends the process in its good way and checks that nothing of it is left on this host: no container, network,
    /// firewall rule, control group or process.
    ///
    /// # Panics
    /// When something is left, and when it is a set-up that runs elsewhere.
    pub fn end(mut self) {
        let server = self.server_mut();
        server.terminate();
        let exit = server.wait();
        assert_eq!(exit.status.code(), Some(0), "{}", exit.printed);
        assert_eq!((server.containers_left(), server.network_left()), (vec![], vec![]));
        let mut traces = Vec::new();
        let is_clean = patiently(|| {
            traces = leftovers::of_unknown_containers();
            traces.is_empty().then_some(())
        });
        assert!(is_clean.is_some(), "left behind: {traces:#?}");
    }

    /// The process behind it, if this test started one.
    #[must_use]
    pub fn own_server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The URL of the API without a path.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `UUID:KEY`.
    #[must_use]
    pub fn auth(&self) -> &str {
        &self.auth
    }

    /// The typed client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// An action to be created, under a name that no other scenario uses.
    #[must_use]
    pub fn action(&self, name: &str) -> ActionBuilder<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        ActionBuilder::new(self, format!("{name}-{}-{number}", std::process::id()))
    }

    /// `GET` in the caller's namespace.
    #[track_caller]
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, None).unwrap()
    }

    /// `DELETE` in the caller's namespace.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, None).unwrap()
    }

    /// `PUT` in the caller's namespace.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PUT, path, Some(body.to_string().as_bytes())).unwrap()
    }

    /// `POST` in the caller's namespace.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path, Some(body.to_string().as_bytes())).unwrap()
    }

    /// A request in the caller's namespace (`actions/x?blocking=true`), or below the API's root if the path begins
    /// with a slash.
    ///
    /// # Errors
    /// When no answer came.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, whirl_cli::client::Error> {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/namespaces/_/{path}") };
        self.client.request(method, &path, &[], body).map(Answer::from)
    }

    /// A request to be written by hand; the path is below the host. It has no credentials.
    #[must_use]
    pub fn raw(&self, method: &str, path: &str) -> RawRequest {
        let address = self.host.split_once("://").map_or(self.host.as_str(), |(_, address)| address);
        RawRequest::new(address, method, path)
    }

    /// The same in the caller's namespace and with the caller's credentials.
    #[must_use]
    pub fn raw_mine(&self, method: &str, path: &str) -> RawRequest {
        let credentials = format!("Basic {}", STANDARD.encode(&self.auth));
        self.raw(method, &format!("/api/v1/namespaces/_/{path}")).header("Authorization", &credentials)
    }

    /// The record of an activation, waited for.
    #[track_caller]
    #[must_use]
    pub fn record(&self, id: &str) -> Record {
        eventually(&format!("a record of {id}"), || self.record_now(id))
    }

    /// The record of an activation with at least so many log lines, waited for: logs may come after the result.
    #[track_caller]
    #[must_use]
    pub fn record_with_logs(&self, id: &str, lines: usize) -> Record {
        eventually(&format!("{lines} log lines of {id}"), || {
            self.record_now(id).filter(|record| record.logs().len() >= lines)
        })
    }

    /// The record of an activation, if it is there.
    #[track_caller]
    #[must_use]
    pub fn record_now(&self, id: &str) -> Option<Record> {
        let answer = self.get(&format!("activations/{id}"));
        if answer.status == 404 { None } else { Some(Record(answer.ok())) }
    }

    /// Runs a fresh small action: whether the platform still works.
    #[track_caller]
    pub fn works(&self) {
        let action = self.action("works").node("function main(p) { return {got: p.n} }").create();
        let record = action.invoke_blocking(&serde_json::json!({"n": 7}));
        assert_eq!(record.succeeded()["got"], 7);
        action.delete();
    }
}

/// Waits until `look` finds something.
///
/// # Panics
/// When it takes too long.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    match patiently(look) {
        Some(found) => found,
        None => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// Looks again and again; `None` if nothing is found in all that time.
fn patiently<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        thread::sleep(LOOKS_EVERY);
    }
}

/// Whether a process of its own can be had; says why, if not.
fn can_start(options: &ServerOptions) -> Option<()> {
    if env::var_os("WHIRL_TEST_HOST").is_some() {
        return skip("it needs a process of its own, and WHIRL_TEST_HOST names another set-up");
    }
    if options.needs_docker() && !host::has_docker() {
        let required = env::var_os("WHIRL_TEST_DOCKER").is_some_and(|value| value == "1");
        assert!(!required, "WHIRL_TEST_DOCKER=1, and there is no Docker engine with the runtimes' images");
        return skip("there is no Docker engine with the runtimes' images (scripts/images makes them)");
    }
    Some(())
}

/// Says why a scenario is left out.
pub fn skip<T>(why: &str) -> Option<T> {
    // In one piece, for others are writing too. Nobody is left to tell if it cannot be written.
    let _ = std::io::stderr().write_all(format!("left out: {why}\n").as_bytes());
    None
}

/// Whether the long forms are asked for.
#[must_use]
pub fn is_full() -> bool {
    env::var_os("WHIRL_TEST_FULL").is_some_and(|value| value == "1")
}
