//! The logs of running activations in a cluster: asked of the invokers, over HTTP, at the addresses that they report.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http_body_util::{BodyStream, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use whirl_service::ServerKey;
use whirl_service::keys::{LIVE_LOGS, Token};

use super::{LiveLog, LiveLogs, Opening, Unreachable, Wanted};
use crate::cluster_invokers::ClusterInvokers;

/// So many invokers are asked at once.
const AT_ONCE: usize = 32;
/// How long an invoker has to answer, and all of them together.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_WITH_ALL: Duration = Duration::from_secs(3);
/// An invoker that has said nothing for so long, and they give a sign of life every 5 s, is gone.
const SILENCE: Duration = Duration::from_secs(15);
/// Longer lines than any invoker sends: they cut what is said at 16 KiB, each byte six in JSON at the most.
const LONGEST_LINE: usize = 1 << 20;

/// The invokers of a cluster, asked over the network.
pub struct RemoteLogs {
    invokers: Arc<ClusterInvokers>,
    token: Token,
}

impl RemoteLogs {
    /// These invokers, which have the same server key.
    #[must_use]
    pub fn new(invokers: Arc<ClusterInvokers>, key: &ServerKey) -> Self {
        Self { invokers, token: key.token(LIVE_LOGS) }
    }

    async fn ask(&self, endpoint: &str, wanted: &Wanted) -> Result<Option<LiveLog>, Unreachable> {
        let asked = timeout(PATIENCE, request(endpoint, &self.token, wanted)).await;
        let asked = asked.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()));
        asked.map_err(|error| {
            tracing::debug!(endpoint, %error, "an invoker cannot be asked for a log");
            Unreachable
        })
    }

    /// The first of the invokers that has it.
    async fn ask_all(&self, endpoints: Vec<String>, wanted: &Wanted) -> Result<Option<LiveLog>, Unreachable> {
        let ask = async |endpoint: String| self.ask(&endpoint, wanted).await;
        let mut answers = stream::iter(endpoints).map(ask).buffer_unordered(AT_ONCE);
        let mut nobody = Ok(None);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Some(log)) => return Ok(Some(log)),
                Ok(None) => {}
                Err(unreachable) => nobody = Err(unreachable),
            }
        }
        nobody
    }
}

impl LiveLogs for RemoteLogs {
    fn open(&self, wanted: Wanted) -> Opening<'_> {
        let endpoints = self.invokers.endpoints(wanted.at);
        Box::pin(async move {
            let asked = timeout(PATIENCE_WITH_ALL, self.ask_all(endpoints, &wanted)).await;
            let asked = asked.unwrap_or(Err(Unreachable));
            if asked.is_err() {
                tracing::warn!(activation = %wanted.activation, "not all invokers could be asked for a log");
            }
            asked
        })
    }
}

/// Asks one invoker. `None` if it has no such activation.
async fn request(endpoint: &str, token: &Token, wanted: &Wanted) -> io::Result<Option<LiveLog>> {
    let uri: Uri = endpoint.parse().map_err(io::Error::other)?;
    let host = uri.authority().ok_or(io::ErrorKind::InvalidInput)?;
    let stream =
        TcpStream::connect((host.host().trim_matches(['[', ']']), host.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let Wanted { activation, namespace, from, .. } = wanted;
    let path = format!("/activations/{activation}/logs?namespace={}&from={from}", escaped(namespace));
    let request = Request::get(path)
        .header(HOST, host.as_str())
        .header(AUTHORIZATION, format!("Bearer {}", token.reveal()))
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    // It ends with the answer's body, or when that is dropped.
    let driving = Driving(tokio::spawn(connection).abort_handle());
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    match answer.status() {
        StatusCode::OK => Ok(Some(Box::pin(lines(answer.into_body(), driving)))),
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(io::Error::other(format!("it answers {status}"))),
    }
}

fn escaped(namespace: &whirl_model::Namespace) -> String {
    percent_encoding::utf8_percent_encode(namespace.as_str(), percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The task that reads and writes; it does not outlive this.
struct Driving(tokio::task::AbortHandle);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The lines of an answer, until it ends or falls silent.
fn lines(body: Incoming, driving: Driving) -> impl Stream<Item = String> + Send {
    let reading = (BodyStream::new(body), BytesMut::new(), driving);
    stream::unfold(reading, async |(mut pieces, mut read, driving)| {
        loop {
            while let Some(end) = read.iter().position(|byte| *byte == b'\n') {
                let line = read.split_to(end);
                read.advance(1);
                if let Some(text) = text_of(&line) {
                    return Some((text, (pieces, read, driving)));
                }
            }
            let piece = timeout(SILENCE, pieces.next()).await.ok()??.ok()?;
            read.extend_from_slice(piece.data_ref().map_or(&[], |data| &data[..]));
            if read.len() > LONGEST_LINE {
                return None;
            }
        }
    })
}

/// What a line of the answer tells of the log; nothing if it is a sign of life.
fn text_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        line: String,
    }
    serde_json::from_slice::<Said>(line).ok().map(|said| said.line)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// An invoker that gives one answer, and the request that it got.
    async fn invoker(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request[..length].to_vec()).unwrap()
        });
        (endpoint, served)
    }

    fn wanted() -> Wanted {
        let (activation, namespace) = (whirl_model::ActivationId::from_bits(7), "a b".parse().unwrap());
        Wanted { activation, namespace, from: 3, at: None }
    }

    fn token() -> Token {
        ServerKey::from_bytes(&[1; 32]).token(LIVE_LOGS)
    }

    #[tokio::test]
    async fn an_answer_is_read_line_by_line_to_where_it_breaks_off() {
        let (endpoint, served) = invoker(
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"line\":\"a\"}\n\n{\"line\":\"b\"}\n{\"line\":\"hal",
        )
        .await;
        let log = request(&endpoint, &token(), &wanted()).await.unwrap().unwrap();
        assert_eq!(log.collect::<Vec<_>>().await, ["a", "b"]);
        let head = served.await.unwrap();
        let line =
            "GET /activations/00000000000000000000000000000007/logs?namespace=a%20b&from=3 HTTP/1.1\r\n";
        assert!(head.starts_with(line), "{head}");
        assert!(head.contains(&format!("authorization: Bearer {}\r\n", token().reveal())), "{head}");
    }

    #[tokio::test]
    async fn not_found_is_an_answer_and_all_else_is_none() {
        let (endpoint, _served) = invoker("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
        assert!(request(&endpoint, &token(), &wanted()).await.unwrap().is_none());
        let (endpoint, _served) = invoker("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
        assert!(request(&endpoint, &token(), &wanted()).await.is_err());
        for nowhere in ["http://127.0.0.1:1", "", "nonsense", "http://"] {
            assert!(request(nowhere, &token(), &wanted()).await.is_err(), "{nowhere}");
        }
    }

    #[test]
    fn signs_of_life_are_no_lines() {
        assert_eq!(text_of(br#"{"line":"a\u0000b"}"#).as_deref(), Some("a\0b"));
        assert_eq!((text_of(b""), text_of(b"{\"li")), (None, None));
    }
}
