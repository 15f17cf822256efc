//! The server that the tests use, raw access to what is stored there, and servers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use couch_rs::Client;
use couch_rs::http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use whirl_backends::contract;
use whirl_backends::store::Stores;
use whirl_backends::{CouchdbConfig, CouchdbStore};

/// Three databases of its own on the server that `WHIRL_TEST_COUCHDB_URL` names.
pub(crate) struct Couchdb {
    pub(crate) config: CouchdbConfig,
    client: Client,
}

impl Couchdb {
    /// `None` if no server is named; then the test skips itself.
    pub(crate) fn new() -> Option<Self> {
        let config = contract::servers::couchdb()?;
        let (user, password) = (Some(config.user.as_str()), Some(config.password.as_str()));
        let client = Client::new_with_timeout(&config.url, user, password, Some(60)).unwrap();
        Some(Self { config, client })
    }

    pub(crate) async fn stores(&self) -> Stores {
        CouchdbStore::connect(&self.config).await.unwrap().stores()
    }

    /// The status and the JSON that the server answers. `path` begins with the database's name without its
    /// prefix.
    pub(crate) async fn raw(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let path = format!("/{}{path}", self.config.prefix);
        let mut request = self.client.req(method, &path, None).query(&query);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    pub(crate) async fn read(&self, path: &str) -> Value {
        let (status, document) = self.raw(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    /// Gives the new revision.
    pub(crate) async fn write(&self, path: &str, document: Value) -> String {
        let (status, answer) = self.raw(Method::PUT, path, Some(document)).await;
        assert_eq!(status, 201, "{path}: {answer}");
        answer["rev"].as_str().unwrap_or_default().to_owned()
    }

    /// Removes the databases.
    pub(crate) async fn clean_up(self) {
        for database in ["whisks", "activations", "subjects"] {
            let (status, answer) = self.raw(Method::DELETE, database, None).await;
            assert!(matches!(status, 200 | 202 | 404), "{database}: {status} {answer}");
        }
    }
}

/// The URL of a server that answers everything with one text; with nothing, if that is empty.
pub(crate) async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            if answer.is_empty() {
                silent.push(connection);
                continue;
            }
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    url
}

/// Passes requests on, and loses some answers.
pub(crate) struct LossyProxy {
    pub(crate) url: String,
    /// So many answers are lost from now on.
    losses: Arc<AtomicUsize>,
}

impl LossyProxy {
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let losses = Arc::new(AtomicUsize::new(0));
        let (address, left) = (server.trim_start_matches("http://").to_owned(), Arc::clone(&losses));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&left)));
            }
        });
        Self { url, losses }
    }

    pub(crate) fn lose(&self, answers: usize) {
        self.losses.store(answers, Ordering::SeqCst);
    }
}

async fn pass_on(client: TcpStream, server: TcpStream, losses: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let forth = tokio::io::copy(&mut from_client, &mut to_server);
    let back = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from_server.read(&mut buffer).await?;
            let lost = losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if lost || length == 0 {
                return Ok::<(), std::io::Error>(());
            }
            to_client.write_all(&buffer[..length]).await?;
        }
    };
    // Either end, or a loss, ends the connection.
    tokio::select! { _ = forth => {}, _ = back => {} }
}
