//! A registry with one small image under every name, for those who know the password. Counts what it is asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// A tar archive of nothing.
const EMPTY: [u8; 1024] = [0; 1024];

/// The registry, served on loopback, where Docker asks for no certificate.
pub(super) struct Registry {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// The value of the header that lets in.
    authorization: String,
    manifest: Vec<u8>,
    config: Vec<u8>,
    asked: AtomicUsize,
    pulls: watch::Sender<usize>,
    is_open: watch::Sender<bool>,
    is_empty: AtomicBool,
}

impl Registry {
    /// Starts one that lets in who has these credentials, in base64.
    pub(super) async fn start(credentials: &str) -> Self {
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/no/such/program"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(&EMPTY)]},
        });
        let config = config.to_string().into_bytes();
        let part = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "size": bytes.len(), "digest": digest(bytes)});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": part(CONFIG, &config),
            "layers": [part(LAYER, &EMPTY)],
        });
        let state = Arc::new(State {
            authorization: format!("Basic {credentials}"),
            manifest: manifest.to_string().into_bytes(),
            config,
            asked: AtomicUsize::new(0),
            pulls: watch::Sender::new(0),
            is_open: watch::Sender::new(true),
            is_empty: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&served);
                tokio::spawn(async move { serve(stream, &state).await });
            }
        });
        Self { address, state }
    }

    /// The name of its image behind a repository, with what follows.
    pub(super) fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    pub(super) fn digest(&self) -> String {
        digest(&self.state.manifest)
    }

    /// How often the image was asked for by somebody who may have it.
    pub(super) fn pulls(&self) -> usize {
        *self.state.pulls.borrow()
    }

    /// How often it was asked for anything.
    pub(super) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Relaxed)
    }

    /// Makes whoever asks for the image wait, or go on.
    pub(super) fn open(&self, is_open: bool) {
        self.state.is_open.send_replace(is_open);
    }

    pub(super) async fn pulled(&self, times: usize) {
        self.state.pulls.subscribe().wait_for(|pulls| *pulls >= times).await.unwrap();
    }

    /// Makes it have no image any more. Of other failures the engine tells only after it has tried for long.
    pub(super) fn lose_all(&self) {
        self.state.is_empty.store(true, Ordering::Relaxed);
    }
}

async fn serve(mut stream: TcpStream, state: &State) {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let read = stream.read_buf(&mut text).await.unwrap_or(0);
        // The engine tries HTTPS first.
        if read == 0 || !text[0].is_ascii_uppercase() {
            return;
        }
    }
    let text = String::from_utf8(text).unwrap();
    let (status, headers, body) = state.answer(&text).await;
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    let body = if text.starts_with("HEAD") { &[][..] } else { body };
    let _may_be_gone = stream.write_all(&[head.as_bytes(), body].concat()).await;
}

impl State {
    async fn answer(&self, request: &str) -> (u16, String, &[u8]) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut given = request.lines().filter_map(|line| line.split_once(": "));
        if !given
            .any(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == self.authorization)
        {
            return (401, "WWW-Authenticate: Basic realm=\"test\"\r\n".to_owned(), b"");
        }
        let path = request.split(' ').nth(1).unwrap();
        if self.is_empty.load(Ordering::Relaxed) && path.contains("/manifests/") {
            return (404, String::new(), b"");
        }
        let (kind, body): (_, &[u8]) = if path.contains("/manifests/") {
            self.pulls.send_modify(|pulls| *pulls += 1);
            self.is_open.subscribe().wait_for(|is_open| *is_open).await.unwrap();
            (MANIFEST, &self.manifest)
        } else if path.ends_with(&digest(&self.config)) {
            (CONFIG, &self.config)
        } else if path.ends_with(&digest(&EMPTY)) {
            (LAYER, &EMPTY)
        } else {
            ("application/json", b"{}")
        };
        (200, format!("Content-Type: {kind}\r\nDocker-Content-Digest: {}\r\n", digest(body)), body)
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
