//! A lean HTTP/1.1 client on a blocking socket: one write and usually one read per call, the same for every
//! side of a comparison. Knows answers with a `Content-Length` and nothing else.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use crate::error::Error;

/// No single answer takes longer, or it counts as a failure.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// A request as bytes, built once and sent many times.
#[derive(Clone, Debug)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn get(address: SocketAddr, path: &str) -> Self {
        Self::get_with(address, path, "")
    }

    /// A GET. `headers` are whole lines, each with its line end.
    pub(crate) fn get_with(address: SocketAddr, path: &str, headers: &str) -> Self {
        Self(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n").into_bytes())
    }

    /// A POST of JSON. `headers` are whole lines, each with its line end.
    pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self(
            format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes(),
        )
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A whole answer within a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) status: u16,
    pub(crate) body: Range<usize>,
}

/// Looks for a whole answer at the start of `buffer`; `Ok(None)` if there is more to come.
pub(crate) fn parse(buffer: &[u8]) -> io::Result<Option<Parsed>> {
    let Some(head) = memchr::memmem::find(buffer, b"\r\n\r\n") else { return Ok(None) };
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP/1.1 answer of a known length");
    let text = std::str::from_utf8(&buffer[..head]).map_err(|_| malformed())?;
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let (Some(status), Some(length)) = (status, length) else { return Err(malformed()) };
    let body = head + 4..head + 4 + usize::min(length, 1 << 30);
    Ok((buffer.len() >= body.end).then_some(Parsed { status, body }))
}

/// A kept-alive connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, LONGEST_CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LONGEST_ANSWER))?;
        stream.set_write_timeout(Some(LONGEST_ANSWER))?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// The socket, for a caller that does its own waiting.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends a request and waits for its answer: the status and the body.
    pub(crate) fn call(&mut self, request: &Request) -> io::Result<(u16, &[u8])> {
        self.buffer.clear();
        self.stream.write_all(request.bytes())?;
        let mut piece = [0; 4096];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.buffer.extend_from_slice(&piece[..read]),
                // A signal; what it is about shows before the next call.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if let Some(answer) = parse(&self.buffer)? {
                return Ok((answer.status, &self.buffer[answer.body]));
            }
        }
    }

    /// The same, where anything but a 200 is an error.
    pub(crate) fn expect_ok(&mut self, peer: &str, request: &Request) -> Result<String, Error> {
        match self.call(request) {
            Ok((200, body)) => Ok(String::from_utf8_lossy(body).into_owned()),
            Ok((status, body)) => {
                let text = String::from_utf8_lossy(body);
                Err(Error::Unsuitable(format!("{peer} answered {status}: {text}")))
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Error::Http { peer: peer.to_owned() })
            }
            Err(source) => Err(Error::Io { doing: format!("call {peer}"), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_once_its_body_is() {
        let text = b"HTTP/1.1 502 Bad Gateway\r\nA: b\r\ncontent-LENGTH:  3\r\n\r\n{1}HTTP/1.1";
        for cut in 0..text.len() - 8 {
            assert_eq!(parse(&text[..cut]).unwrap(), None, "{cut}");
        }
        let parsed = parse(text).unwrap().unwrap();
        assert_eq!((parsed.status, &text[parsed.body]), (502, &b"{1}"[..]));
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
