//! Requests that a well-behaved client would not send: any header, any body, in pieces, without an end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Answer;

/// A request to be written by hand.
pub struct RawRequest {
    address: String,
    head: String,
    body: Vec<u8>,
    chunked: bool,
}

impl RawRequest {
    /// A request without headers but `Host`, to `HOST:PORT`.
    #[must_use]
    pub fn new(address: &str, method: &str, target: &str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        Self { address: address.to_owned(), head, body: Vec::new(), chunked: false }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    /// A body of known length.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { body: body.clone(), ..self.header("Content-Length", &body.len().to_string()) }
    }

    /// A body in chunks, its length untold.
    #[must_use]
    pub fn chunked(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), chunked: true, ..self.header("Transfer-Encoding", "chunked") }
    }

    /// Sends it and reads the answer.
    ///
    /// # Panics
    /// When no answer comes.
    #[track_caller]
    pub fn send(&self) -> Answer {
        self.try_send().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The same, where nobody may be listening yet.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn try_send(&self) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        // A server that refuses by the head alone may close before it has read the body.
        let _ = self.write(&mut stream);
        read_answer(stream)
    }

    fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(format!("{}\r\n", self.head).as_bytes())?;
        if !self.chunked {
            return stream.write_all(&self.body);
        }
        for piece in self.body.chunks(64 << 10) {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
            stream.write_all(piece)?;
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(b"0\r\n\r\n")
    }
}

fn read_answer(stream: TcpStream) -> io::Result<Answer> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status in {line:?}")))?;
    let mut answer = Answer { status, activation: None, content_type: None, body: Vec::new() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or_default(),
            "content-type" => answer.content_type = Some(value.to_owned()),
            "x-openwhisk-activation-id" => answer.activation = Some(value.to_owned()),
            _ => {}
        }
    }
    answer.body.resize(length, 0);
    reader.read_exact(&mut answer.body)?;
    Ok(answer)
}
