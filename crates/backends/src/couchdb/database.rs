//! Requests to one database of a CouchDB server, and its answers or failures. It knows HTTP, not what is
//! stored.
//!
//! Requests go through the client of `couch_rs`, but not through its typed calls: these tell a refused
//! connection, a timeout and an answer that they cannot read all as status 501, which is not enough to know
//! whether to try again.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use couch_rs::Client;
use couch_rs::http::{Method, StatusCode};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use whirl_model::Revision;

use super::failure::Failure;

/// What a segment of a path may hold as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a path: a document's id, whose slashes are part of it.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A CouchDB server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) client: Client,
    /// The path of the server's URL, without a slash at its end.
    pub(super) base_path: String,
}

/// A request to a database.
pub(super) struct Call {
    method: Method,
    /// Behind the database's name; each segment encoded.
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Call {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: None }
    }

    pub(super) fn with_query(mut self, query: Vec<(&'static str, String)>) -> Self {
        self.query = query;
        self
    }

    pub(super) fn with_body(mut self, json: String) -> Self {
        self.body = Some(json);
        self
    }
}

/// The body of an answer whose status was a success.
pub(super) struct Answer(Bytes);

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0).map_err(Failure::Nonsense)
    }
}

/// Bytes as they arrive.
pub(super) type Arriving = BoxStream<'static, Result<Bytes, Failure>>;

/// How CouchDB tells what went wrong.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: String,
    #[serde(default)]
    reason: String,
}

impl Server {
    /// The answer to a request for a path below the server's.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, Failure> {
        let (status, arriving) = self.send(call).await?;
        let body: BytesMut = arriving.try_collect::<Vec<_>>().await?.into_iter().flatten().collect();
        match status.is_success() {
            true => Ok(Answer(body.freeze())),
            false => Err(refusal(status, &body)),
        }
    }

    /// The same, but the body is given as it arrives.
    async fn stream(&self, call: Call) -> Result<Arriving, Failure> {
        let (status, mut arriving) = self.send(call).await?;
        if status.is_success() {
            return Ok(arriving);
        }
        let beginning = arriving.try_next().await?.unwrap_or_default();
        Err(refusal(status, &beginning))
    }

    async fn send(&self, call: Call) -> Result<(StatusCode, Arriving), Failure> {
        let path = format!("{}/{}", self.base_path, call.path);
        let mut request = self.client.req(call.method, &path, None).query(&call.query);
        if let Some(body) = call.body {
            request = request.body(body);
        }
        let answer = request.send().await.map_err(|e| no_answer(!e.is_connect(), e))?;
        Ok((answer.status(), answer.bytes_stream().map_err(|e| no_answer(true, e)).boxed()))
    }
}

fn no_answer(sent: bool, source: impl Error + Send + Sync + 'static) -> Failure {
    Failure::NoAnswer { sent, source: Box::new(source) }
}

fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let ErrorBody { error, reason } = serde_json::from_slice(body).unwrap_or_default();
    Failure::Status { status, error, reason }
}

/// One database.
#[derive(Clone)]
pub(super) struct Database {
    server: Server,
    name: String,
}

#[derive(Deserialize)]
struct Written {
    rev: String,
}

#[derive(Deserialize)]
struct DocumentRows<T> {
    rows: Vec<DocumentRow<T>>,
}

/// A row that brings its document, unless that is deleted or never was.
#[derive(Deserialize)]
struct DocumentRow<T> {
    doc: Option<T>,
}

impl Database {
    pub(super) fn new(server: &Server, name: &str) -> Self {
        Self { server: server.clone(), name: segment(name) }
    }

    fn here(&self, call: Call) -> Call {
        let path = match call.path.as_str() {
            "" => self.name.clone(),
            path => format!("{}/{path}", self.name),
        };
        Call { path, ..call }
    }

    /// The answer to a request for a path below the database's.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, Failure> {
        self.server.call(self.here(call)).await
    }

    /// Makes the database unless it is there.
    pub(super) async fn create(&self) -> Result<(), Failure> {
        match self.call(Call::new(Method::GET, "")).await {
            Err(failure) if failure.is(StatusCode::NOT_FOUND) => {}
            outcome => return outcome.map(drop),
        }
        match self.call(Call::new(Method::PUT, "")).await {
            // Another server has just made it.
            Err(failure) if failure.is(StatusCode::PRECONDITION_FAILED) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// A document; `None` if there is none.
    pub(super) async fn get<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, Failure> {
        match self.call(Call::new(Method::GET, segment(id))).await {
            Ok(answer) => answer.json().map(Some),
            Err(failure) if failure.is_missing_document() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Those of the documents that are there.
    pub(super) async fn get_all<T: DeserializeOwned>(&self, ids: &[&str]) -> Result<Vec<T>, Failure> {
        let call = Call::new(Method::POST, "_all_docs")
            .with_query(vec![("include_docs", "true".to_owned())])
            .with_body(json!({ "keys": ids }).to_string());
        let rows = self.call(call).await?.json::<DocumentRows<T>>()?.rows;
        Ok(rows.into_iter().filter_map(|row| row.doc).collect())
    }

    /// Documents whose ids begin so, the first by id, beginning behind `after`.
    pub(super) async fn get_range<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<T>, Failure> {
        let query = vec![
            ("include_docs", "true".to_owned()),
            ("startkey", json!(after.unwrap_or(prefix)).to_string()),
            ("endkey", json!(format!("{prefix}\u{fff0}")).to_string()),
            ("skip", u8::from(after.is_some()).to_string()),
            ("limit", limit.to_string()),
        ];
        let answer = self.call(Call::new(Method::GET, "_all_docs").with_query(query)).await?;
        let rows = answer.json::<DocumentRows<T>>()?.rows;
        Ok(rows.into_iter().filter_map(|row| row.doc).collect())
    }

    /// Writes a document; its text names the revision that it replaces.
    pub(super) async fn put(&self, id: &str, text: String) -> Result<Revision, Failure> {
        let answer = self.call(Call::new(Method::PUT, segment(id)).with_body(text)).await?;
        Ok(Revision::from(answer.json::<Written>()?.rev))
    }

    /// Marks a document as deleted. Sent as a write, which every server checks against the revision; some
    /// carry a DELETE out whatever revision it names.
    pub(super) async fn delete(&self, id: &str, revision: &Revision) -> Result<(), Failure> {
        let grave = json!({ "_id": id, "_rev": revision.as_str(), "_deleted": true });
        self.put(id, grave.to_string()).await.map(drop)
    }

    /// A document's attachment at a revision, as it arrives.
    pub(super) async fn attachment(
        &self,
        id: &str,
        revision: &Revision,
        name: &str,
    ) -> Result<Arriving, Failure> {
        let path = format!("{}/{}", segment(id), segment(name));
        let query = vec![("rev", revision.as_str().to_owned())];
        self.server.stream(self.here(Call::new(Method::GET, path).with_query(query))).await
    }
}
