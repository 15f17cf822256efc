//! A server with one scripted answer per request, and a way to run `wsk` against it.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

pub(crate) const AUTH: &str = "some-uuid:some-secret-key";

/// An answer of the script.
pub(crate) struct Answer {
    status: u16,
    header: Option<(&'static str, String)>,
    body: String,
}

/// 200 with a JSON body.
pub(crate) fn ok(body: &str) -> Answer {
    answer(200, body)
}

/// Any status with a JSON body.
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, header: None, body: body.to_owned() }
}

/// An OpenWhisk error.
pub(crate) fn refusal(status: u16, text: &str) -> Answer {
    answer(status, &format!(r#"{{"error":"{text}","code":"tid1"}}"#))
}

impl Answer {
    pub(crate) fn with_header(self, name: &'static str, value: &str) -> Self {
        Self { header: Some((name, value.to_owned())), ..self }
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `METHOD /path?query`
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A run of `wsk` that has ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    requests: Vec<Request>,
}

impl Ended {
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.requests.iter().map(|request| request.line.as_str()).collect()
    }

    pub(crate) fn request(&self, index: usize) -> &Request {
        &self.requests[index]
    }

    /// Exit code 0 and nothing on standard error.
    pub(crate) fn well(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self
    }
}

/// Runs `wsk` in `folder` with a property file that names a server with this script.
pub(crate) fn wsk_in(folder: &Path, script: Vec<Answer>, words: &[&str]) -> Ended {
    let (address, requests) = serve(script);
    let properties = folder.join("props");
    std::fs::write(&properties, format!("APIHOST=http://{address}\nAUTH={AUTH}\n")).unwrap();
    let mut ended = run(folder, &[("WSK_CONFIG_FILE", properties.to_str().unwrap())], words);
    ended.requests = requests.lock().unwrap().clone();
    ended
}

/// The same in a folder of its own.
pub(crate) fn wsk(script: Vec<Answer>, words: &[&str]) -> Ended {
    wsk_in(tempfile::tempdir().unwrap().path(), script, words)
}

/// Runs `wsk` with the environment that belongs to the address of a server with this script.
pub(crate) fn run_with(
    script: Vec<Answer>,
    environment: impl Fn(&str) -> Vec<(&'static str, String)>,
    words: &[&str],
) -> Ended {
    let (address, requests) = serve(script);
    let environment = environment(&format!("http://{address}"));
    let pairs: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut ended = run(tempfile::tempdir().unwrap().path(), &pairs, words);
    ended.requests = requests.lock().unwrap().clone();
    ended
}

/// Runs `wsk` with nothing but the given environment.
pub(crate) fn run(folder: &Path, environment: &[(&str, &str)], words: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_wsk"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TZ", "UTC")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        requests: Vec::new(),
    }
}

/// Writes a file and returns its path.
pub(crate) fn file(folder: &Path, name: &str, contents: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, contents).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Answers as many requests as the script is long; further ones find no server.
pub(crate) fn serve(script: Vec<Answer>) -> (String, Arc<Mutex<Vec<Request>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    if script.is_empty() {
        // Not a port that is let go again: another test's server may get it.
        return ("127.0.0.1:1".to_owned(), requests);
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = requests.clone();
    std::thread::spawn(move || {
        for answer in script {
            let (mut stream, _) = listener.accept().unwrap();
            let request = read(&stream);
            seen.lock().unwrap().push(request);
            write(&mut stream, &answer);
        }
    });
    (address, requests)
}

/// Reads a request; one whose sender waits for leave gets it.
fn read(mut stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut next_line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let line = next_line().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = Vec::new();
    loop {
        let header = next_line();
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let request = Request { line, headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request { body: String::from_utf8(body).unwrap(), ..request }
}

fn write(stream: &mut TcpStream, answer: &Answer) {
    let header = answer.header.as_ref().map_or(String::new(), |(name, value)| format!("{name}: {value}\r\n"));
    write!(
        stream,
        "HTTP/1.1 {} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{header}\r\n{}",
        answer.status,
        answer.body.len(),
        answer.body
    )
    .unwrap();
}
