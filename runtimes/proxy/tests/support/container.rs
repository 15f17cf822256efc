//! A running proxy, wherever it runs, as the cases see it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http;

const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// A language with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Node,
    Python,
}

/// How a container is ended and its streams are had.
pub(crate) trait Host {
    /// Ends it by SIGTERM and returns stdout and stderr.
    fn end(&mut self) -> (String, String);
}

/// One proxy with its launcher.
pub(crate) struct Container {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The port at which the action itself reaches the proxy on its loopback interface.
    pub(crate) inner_port: u16,
    /// What it runs in.
    pub(crate) host: Box<dyn Host>,
}

/// The container's output without the marks.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Container {
    /// Posts `value` to `/init` and returns status and answer.
    pub(crate) fn init(&mut self, value: &Value) -> (u16, Value) {
        self.post("/init", &json!({ "value": value }).to_string())
    }

    /// Initialises with source text and the entry point `main`; it must succeed.
    pub(crate) fn init_source(&mut self, code: &str) {
        let (status, answer) = self.init(&source(code, "main"));
        assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{answer}");
    }

    /// Initialises with an archive; it must succeed.
    pub(crate) fn init_archive(&mut self, archive: &str, main: &str) {
        let (status, answer) = self.init(&binary(archive, main));
        assert_eq!(status, 200, "{answer}");
    }

    /// Posts this body to `/run`.
    pub(crate) fn run(&mut self, body: &str) -> (u16, Value) {
        self.post("/run", body)
    }

    /// Posts this body to `/run`, which must answer 200.
    pub(crate) fn run_ok(&mut self, body: &str) -> Value {
        let (status, answer) = self.run(body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Runs with these parameters; it must answer 200.
    pub(crate) fn run_with(&mut self, parameters: &Value) -> Value {
        self.run_ok(&json!({ "value": parameters }).to_string())
    }

    /// Ends the container and returns all that it wrote to stdout and stderr.
    pub(crate) fn end(mut self) -> (String, String) {
        self.host.end()
    }

    /// Ends the container and checks that each stream has `marks` end-of-activation lines.
    pub(crate) fn finish(mut self, marks: usize) -> Streams {
        let (out, err) = self.host.end();
        Streams { out: without_marks("stdout", &out, marks), err: without_marks("stderr", &err, marks) }
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let (status, answer) = http::post(self.address, path, body);
        let answer =
            serde_json::from_str(&answer).unwrap_or_else(|error| panic!("not JSON: {answer:?}: {error}"));
        (status, answer)
    }
}

/// An init value with source text.
pub(crate) fn source(code: &str, main: &str) -> Value {
    json!({ "name": "test", "main": main, "code": code, "binary": false })
}

/// An init value with a base64 archive.
pub(crate) fn binary(archive: &str, main: &str) -> Value {
    json!({ "name": "test", "main": main, "code": archive, "binary": true })
}

fn without_marks(name: &str, text: &str, marks: usize) -> String {
    let found = text.lines().filter(|line| *line == MARK).count();
    assert_eq!(found, marks, "end marks in {name}:\n{text}");
    text.lines().filter(|line| *line != MARK).collect::<Vec<_>>().join("\n")
}
