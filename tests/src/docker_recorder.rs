//! A socket that speaks Docker's API in front of the real engine: it writes down what is asked, takes the devices out
//! of what is created, as hosts of tests have none, and hands on the rest as it is. It judges nothing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tempfile::TempDir;

const ENGINE: &str = "/var/run/docker.sock";

/// A request as the engine would have had it.
#[derive(Clone, Debug)]
pub struct DockerRequest {
    /// Its method.
    pub method: String,
    /// Its path without the API's version, with its query.
    pub path: String,
    /// Its body; `null` if it has none.
    pub body: Value,
}

impl DockerRequest {
    /// Whether it asks for a new container.
    #[must_use]
    pub fn is_create(&self) -> bool {
        self.method == "POST" && self.path.starts_with("/containers/create?")
    }

    /// The name of the container that is to be created or removed.
    #[must_use]
    pub fn container(&self) -> &str {
        let in_query = self.path.split_once("name=").map(|(_, name)| name);
        let in_path = || self.path.strip_prefix("/containers/").unwrap_or_default();
        in_query.unwrap_or_else(in_path).split(['&', '?', '/']).next().unwrap_or_default()
    }

    /// The devices that are asked for; `null` for none.
    #[must_use]
    pub fn devices(&self) -> &Value {
        &self.body["HostConfig"]["DeviceRequests"]
    }

    /// The value of a variable of the container.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let all = self.body["Env"].as_array()?.iter().filter_map(Value::as_str);
        all.filter_map(|entry| entry.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// The socket. Dropping it takes no new connections; those that are open go on until one side ends them.
pub struct DockerRecorder {
    folder: TempDir,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<DockerRequest>>,
    is_over: AtomicBool,
}

impl DockerRecorder {
    /// Listens in a folder of its own.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("whirl-docker-").tempdir().unwrap();
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self { folder, shared, accepting: Some(accepting) }
    }

    /// What `DOCKER_HOST` has to be.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", socket(self.folder.path()).display())
    }

    /// All requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<DockerRequest> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Those that ask for a new container.
    #[must_use]
    pub fn creates(&self) -> Vec<DockerRequest> {
        self.requests().into_iter().filter(DockerRequest::is_create).collect()
    }
}

impl Drop for DockerRecorder {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        let _ = UnixStream::connect(socket(self.folder.path()));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("docker.sock")
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let shared = Arc::clone(self);
            // A connection that breaks is its client's affair.
            thread::spawn(move || client.and_then(|client| shared.serve(&client)));
        }
    }

    /// Serves one request of a client: the engine closes the connection after it, unless it is upgraded.
    fn serve(&self, client: &UnixStream) -> io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let Some(request) = Request::read(&mut reader)? else { return Ok(()) };
        self.requests.lock().unwrap().push(request.recorded());
        let engine = UnixStream::connect(ENGINE)?;
        request.write(&engine)?;
        let (to_client, from_engine) = (client.try_clone()?, engine.try_clone()?);
        let answering = thread::spawn(move || copy(from_engine, to_client));
        // What was read already and is not the request's comes first.
        copy(reader, engine);
        let _ = answering.join();
        Ok(())
    }
}

/// Copies to the end, and says that there it is.
fn copy(mut from: impl Read, mut to: UnixStream) {
    // It may break on either side; that it does not go on is all there is to tell.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// A request as it comes from a client.
struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// `None` where the client only connected.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(None);
        }
        let mut request = Self { line, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = read_line(reader)?;
            let Some((name, value)) = line.split_once(':') else { break };
            request.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        assert!(request.header("transfer-encoding").is_none(), "a body in pieces: {}", request.line);
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn recorded(&self) -> DockerRequest {
        let mut words = self.line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // Without the version, such as `/v1.41`.
        let unversioned = path.strip_prefix("/v").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
        DockerRequest {
            method: method.to_owned(),
            path: unversioned.unwrap_or(path).to_owned(),
            body: serde_json::from_slice(&self.body).unwrap_or_default(),
        }
    }

    /// Hands it on, without devices, and asks that the connection serve it alone.
    fn write(&self, mut engine: &UnixStream) -> io::Result<()> {
        let recorded = self.recorded();
        let body = if recorded.is_create() { without_devices(recorded.body) } else { self.body.clone() };
        let mut head = format!("{}\r\n", self.line);
        let is_upgrade = self.header("upgrade").is_some();
        for (name, value) in &self.headers {
            if name != "content-length" && (is_upgrade || name != "connection") {
                head += &format!("{name}: {value}\r\n");
            }
        }
        if !is_upgrade {
            head += "connection: close\r\n";
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        engine.write_all(head.as_bytes())?;
        engine.write_all(&body)
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

fn without_devices(mut body: Value) -> Vec<u8> {
    if let Some(host) = body["HostConfig"].as_object_mut() {
        host.remove("DeviceRequests");
    }
    body.to_string().into_bytes()
}
