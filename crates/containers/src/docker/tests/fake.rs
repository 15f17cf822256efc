//! A container engine that knows names alone, and that can be made to hang, or to pull for long: like the real one it
//! then does, once it goes on, what it was asked meanwhile, be its client there or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::docker::DockerOptions;
use crate::docker::spec::OWNER_LABEL;

pub(super) const OWNER: &str = "fake";
/// What a pull tells, in bytes: more than is buffered on the way to whoever does not follow it.
const PROGRESS: usize = 4 << 20;

/// The engine, served at a socket of its own until it is dropped.
pub(super) struct FakeEngine {
    dir: tempfile::TempDir,
    state: Arc<State>,
}

struct State {
    hangs: watch::Sender<bool>,
    pulls_last: watch::Sender<bool>,
    names: Mutex<BTreeSet<String>>,
    /// Names that are taken, but not by containers of the owner.
    taken: Mutex<BTreeSet<String>>,
    creations: watch::Sender<usize>,
    pulls: watch::Sender<usize>,
    pulls_read: watch::Sender<usize>,
}

impl FakeEngine {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        let state = Arc::new(State {
            hangs: watch::Sender::new(false),
            pulls_last: watch::Sender::new(false),
            names: Mutex::default(),
            taken: Mutex::default(),
            creations: watch::Sender::new(0),
            pulls: watch::Sender::new(0),
            pulls_read: watch::Sender::new(0),
        });
        let weak = Arc::downgrade(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(state) = weak.upgrade() else { return };
                tokio::spawn(async move { serve(stream, &state).await });
            }
        });
        Self { dir, state }
    }

    /// Options of a factory that uses it.
    pub(super) fn options(&self) -> DockerOptions {
        let host = Some(format!("unix://{}", self.dir.path().join("socket").display()));
        DockerOptions { host, isolation: crate::docker::Isolation::None, ..DockerOptions::new(OWNER) }
    }

    /// Makes it hang, or go on.
    pub(super) fn hang(&self, hangs: bool) {
        self.state.hangs.send_replace(hangs);
    }

    /// Makes pulls last, or end.
    pub(super) fn let_pulls_last(&self, last: bool) {
        self.state.pulls_last.send_replace(last);
    }

    /// Makes a container of the owner.
    pub(super) fn make(&self, name: &str) {
        self.state.names.lock().insert(name.to_owned());
    }

    /// Takes a name for what is not, or not yet, a container of the owner.
    pub(super) fn take(&self, name: &str) {
        self.state.taken.lock().insert(name.to_owned());
    }

    /// The names that are taken like that.
    pub(super) fn taken(&self) -> Vec<String> {
        self.state.taken.lock().iter().cloned().collect()
    }

    /// The containers that there are.
    pub(super) fn names(&self) -> Vec<String> {
        self.state.names.lock().iter().cloned().collect()
    }

    /// How many containers it was asked to create.
    pub(super) fn creations(&self) -> usize {
        *self.state.creations.borrow()
    }

    /// How many images it was asked to pull.
    pub(super) fn pulls(&self) -> usize {
        *self.state.pulls.borrow()
    }

    /// Waits until it was asked to pull so many images.
    pub(super) async fn asked_to_pull(&self, times: usize) {
        self.state.pulls.subscribe().wait_for(|pulls| *pulls >= times).await.unwrap();
    }

    /// Waits until so many pulls were followed to their end.
    pub(super) async fn pulls_read(&self, times: usize) {
        self.state.pulls_read.subscribe().wait_for(|read| *read >= times).await.unwrap();
    }

    /// Waits until it was asked to create so many containers.
    pub(super) async fn asked_to_create(&self, times: usize) {
        self.state.creations.subscribe().wait_for(|creations| *creations >= times).await.unwrap();
    }
}

async fn serve(mut stream: UnixStream, state: &State) {
    let Some((method, path)) = request(&mut stream).await else { return };
    if path.starts_with("/containers/create") {
        state.creations.send_modify(|creations| *creations += 1);
    }
    let is_pull = path.starts_with("/images/create");
    if is_pull {
        state.pulls.send_modify(|pulls| *pulls += 1);
        state.pulls_last.subscribe().wait_for(|last| !last).await.unwrap();
    }
    state.hangs.subscribe().wait_for(|hangs| !hangs).await.unwrap();
    let (status, body) = state.answer(&method, &path);
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n");
    let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let _may_be_gone = stream.write_all(answer.as_bytes()).await;
    // Who has read the answer closes the connection.
    if is_pull && matches!(stream.read(&mut [0]).await, Ok(0)) {
        state.pulls_read.send_modify(|read| *read += 1);
    }
}

/// Method and path, without the version.
async fn request(stream: &mut UnixStream) -> Option<(String, String)> {
    let mut text = Vec::new();
    let mut head_ends = None;
    while head_ends.is_none() {
        stream.read_buf(&mut text).await.ok().filter(|read| *read > 0)?;
        head_ends = text.windows(4).position(|end| end == b"\r\n\r\n");
    }
    let head = String::from_utf8_lossy(&text[..head_ends?]).into_owned();
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while text.len() < head_ends? + 4 + length.unwrap_or(0) {
        stream.read_buf(&mut text).await.ok().filter(|read| *read > 0)?;
    }
    let mut words = head.lines().next()?.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let path = path.strip_prefix("/v1.41").unwrap_or(path);
    Some((method.to_owned(), path.to_owned()))
}

impl State {
    fn answer(&self, method: &str, path: &str) -> (u16, Value) {
        let path = path.split_once('?').map_or((path, ""), |(path, query)| (path, query));
        let mut names = self.names.lock();
        let mut parts = path.0.trim_matches('/').split('/');
        match (method, parts.next(), parts.next(), parts.next()) {
            ("GET", Some("version"), ..) => (200, json!({"ApiVersion": "1.41"})),
            ("GET", Some("_ping"), ..) => (200, json!("OK")),
            ("GET", Some("info"), ..) => (200, json!({"SecurityOptions": ["name=seccomp,profile=default"]})),
            ("GET", Some("networks"), ..) => (200, network()),
            ("DELETE", Some("networks"), ..) => (204, Value::Null),
            ("POST", Some("images"), Some("create"), _) => (200, json!({"status": "x".repeat(PROGRESS)})),
            ("POST", Some("containers"), Some("create"), _) => {
                let name = path.1.split('&').find_map(|pair| pair.strip_prefix("name=")).unwrap();
                if self.taken.lock().contains(name) || !names.insert(name.to_owned()) {
                    return (409, json!({"message": "the name is already in use"}));
                }
                (201, json!({"Id": name, "Warnings": []}))
            }
            ("GET", Some("containers"), Some("json"), _) => {
                let each = names.iter().map(|name| json!({"Names": [format!("/{name}")]}));
                (200, each.collect())
            }
            ("DELETE", Some("containers"), Some(name), _)
                if names.remove(name) || self.taken.lock().remove(name) =>
            {
                (204, Value::Null)
            }
            _ => (404, json!({"message": "no such thing"})),
        }
    }
}

fn network() -> Value {
    json!({
        "Name": format!("whirl-{OWNER}"),
        "Id": "0123456789abcdef",
        "Driver": "bridge",
        "Labels": {OWNER_LABEL: OWNER},
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM": {"Config": [{"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"}]},
    })
}
