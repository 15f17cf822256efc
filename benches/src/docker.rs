//! The Docker engine's HTTP API on its local socket: what is needed to look at containers and to start some by
//! hand. A connection per request; the engine's part of a start is a thousand times longer.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::Error;

const SOCKET: &str = "/var/run/docker.sock";
const API: &str = "/v1.41";
/// The label of the containers that whirl makes.
pub(crate) const WHIRL_LABEL: &str = "whirl.owner";
/// The label of those that are made here.
const OUR_LABEL: &str = "whirl.bench";
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

/// The local engine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Engine;

impl Engine {
    /// The engine's version, `VERSION, control groups vN`.
    pub(crate) fn version(self) -> Result<String, Error> {
        let info = self.ask("GET", "/info", "describe itself", None)?;
        let (version, groups) = (text(&info, "/ServerVersion"), text(&info, "/CgroupVersion"));
        Ok(format!("{version}, control groups v{groups}"))
    }

    /// The names of the running or paused containers that some whirl made.
    pub(crate) fn whirl_containers(self) -> Result<Vec<String>, Error> {
        let path = format!("/containers/json?filters=%7B%22label%22%3A%5B%22{WHIRL_LABEL}%22%5D%7D");
        let list = self.ask("GET", &path, "list containers", None)?;
        let names = list.as_array().into_iter().flatten().map(|c| text(c, "/Names/0"));
        Ok(names.map(|name| name.trim_start_matches('/').to_owned()).collect())
    }

    /// Whether whirl has no container of that owner, of any state.
    pub(crate) fn has_none_of(self, owner: &str) -> Result<bool, Error> {
        let label = format!("{WHIRL_LABEL}={owner}");
        let path = format!("/containers/json?all=true&filters=%7B%22label%22%3A%5B%22{label}%22%5D%7D");
        let list = self.ask("GET", &path, "list containers", None)?;
        Ok(list.as_array().is_some_and(Vec::is_empty))
    }

    /// All there is to know about a container; `None` if it is not there.
    pub(crate) fn inspect(self, name: &str) -> Result<Option<Value>, Error> {
        match self.ask("GET", &format!("/containers/{name}/json"), "inspect a container", None) {
            Err(Error::Docker { status: 404, .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Creates a container that is configured as `template` is, without its owner. Gives its id.
    pub(crate) fn create(self, template: &Value) -> Result<String, Error> {
        let body = json!({
            "Image": template["Config"]["Image"],
            "Env": template["Config"]["Env"],
            "HostConfig": template["HostConfig"],
            "Labels": { OUR_LABEL: std::process::id().to_string() },
        });
        let created = self.ask("POST", "/containers/create", "create a container", Some(&body))?;
        Ok(text(&created, "/Id"))
    }

    pub(crate) fn start(self, id: &str) -> Result<(), Error> {
        self.ask("POST", &format!("/containers/{id}/start"), "start a container", None).map(drop)
    }

    pub(crate) fn pause(self, id: &str) -> Result<(), Error> {
        self.ask("POST", &format!("/containers/{id}/pause"), "pause a container", None).map(drop)
    }

    pub(crate) fn unpause(self, id: &str) -> Result<(), Error> {
        self.ask("POST", &format!("/containers/{id}/unpause"), "unpause a container", None).map(drop)
    }

    /// Removes a container, running or not. One that is gone is no error.
    pub(crate) fn remove(self, id: &str) -> Result<(), Error> {
        match self.ask("DELETE", &format!("/containers/{id}?force=true"), "remove a container", None) {
            Err(Error::Docker { status: 404, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    fn ask(self, method: &str, path: &str, doing: &str, body: Option<&Value>) -> Result<Value, Error> {
        let body = body.map(Value::to_string).unwrap_or_default();
        // Version 1.0 makes the engine send its answer whole and close the connection after it.
        let request = format!(
            "{method} {API}{path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let exchange = || -> std::io::Result<Vec<u8>> {
            let mut stream = UnixStream::connect(SOCKET)?;
            stream.set_read_timeout(Some(LONGEST_ANSWER))?;
            stream.write_all(request.as_bytes())?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(Error::io(format!("ask Docker at {SOCKET} to {doing}")))?;
        let (status, body) = split(&answer).ok_or_else(|| Error::Http { peer: "Docker".to_owned() })?;
        let value = serde_json::from_slice(body).unwrap_or(Value::Null);
        if (200..400).contains(&status) {
            return Ok(value);
        }
        Err(Error::Docker { doing: doing.to_owned(), status, message: text(&value, "/message") })
    }
}

/// The status and the body of an answer that ends with its connection.
fn split(answer: &[u8]) -> Option<(u16, &[u8])> {
    let head = memchr::memmem::find(answer, b"\r\n\r\n")?;
    let status = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
    Some((status, &answer[head + 4..]))
}

/// The text at a pointer, or nothing.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
