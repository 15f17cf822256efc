//! What every factory must do, as a suite that each of them is put through with a real or scripted runtime.
//!
//! Panics at the first broken promise. Not a benchmark, and nothing about what only one factory offers.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::time::timeout;

use crate::ActionClient;
use crate::action_client::{Answer, Exchange, Reply, RunLimits};
use crate::factory::{
    ContainerError, ContainerFactory, ContainerImage, ContainerName, ContainerSpec, ContainerState,
    OutputChunk, StartedContainer, Stream,
};

/// How long anything in the suite may take before it counts as broken.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long a paused container is watched for an answer that must not come.
const SILENCE: Duration = Duration::from_millis(300);

/// The factory that is tested, and what it needs to know.
pub struct Subject<'a> {
    /// The factory. No other container of its owner may exist.
    pub factory: &'a dyn ContainerFactory,
    /// An image whose `/init` takes `code` and whose `/run` then answers with the object it was given, after
    /// a line `to stdout` on standard output and `to stderr` on standard error.
    pub image: ContainerImage,
    /// The source text of that action.
    pub code: &'a str,
    /// An image that cannot be had.
    pub missing: ContainerImage,
    /// Begins the names of the containers.
    pub prefix: &'a str,
}

impl Subject<'_> {
    /// Runs the whole suite.
    ///
    /// # Panics
    /// When the factory breaks a promise.
    pub async fn keeps_the_contract(&self) {
        self.a_container_answers_and_goes().await;
        self.pausing_and_resuming_are_idempotent().await;
        self.a_paused_container_can_be_destroyed().await;
        self.what_cannot_be_made_leaves_nothing().await;
        self.leftovers_are_removed().await;
    }

    async fn a_container_answers_and_goes(&self) {
        let (name, started) = self.create("answers").await;
        let client = ActionClient::new(started.address);
        let output = tokio::spawn(read_all(started.output));
        assert!(client.wait_until_listening(PATIENCE).await, "it never listened");
        initialise(&client, self.code).await;
        assert_eq!(echo(&client, "1").await, "1");
        assert_eq!(echo(&client, "2").await, "2");
        assert_eq!(self.factory.state(&name).await.expect("state"), ContainerState::Running);

        self.factory.destroy(&name).await.expect("destroy");
        self.factory.destroy(&name).await.expect("destroy again");
        assert_eq!(self.factory.state(&name).await.expect("state"), ContainerState::Ended);
        client.forget_connections();
        let after = client.run(Bytes::from_static(b"{}"), limits(SILENCE)).await;
        assert!(matches!(after.reply, Reply::NeverConnected { .. }), "it still listens: {after:?}");

        let output = timeout(PATIENCE, output).await.expect("the output never ended").expect("no panic");
        for (stream, line) in [(Stream::Stdout, "to stdout\n"), (Stream::Stderr, "to stderr\n")] {
            let text = output.get(&stream).map(String::as_str).unwrap_or_default();
            assert_eq!(text.matches(line).count(), 2, "{stream:?}: {text}");
        }
    }

    async fn pausing_and_resuming_are_idempotent(&self) {
        let (name, client) = self.create_initialised("pauses").await;
        for _ in 0..2 {
            self.factory.pause(&name).await.expect("pause");
        }
        client.forget_connections();
        // A second `/init` starts nothing: it is refused, be it read after the client has given up.
        let while_paused = client.init(Bytes::from_static(b"{}"), SILENCE).await;
        assert_eq!(while_paused.reply, Reply::TimedOut, "it answers while paused");
        for _ in 0..2 {
            self.factory.resume(&name).await.expect("resume");
        }
        assert_eq!(echo(&client, "3").await, "3");
        self.factory.destroy(&name).await.expect("destroy");
        let unknown = ContainerName::new(&format!("{}-unknown", self.prefix));
        self.factory.destroy(&unknown).await.expect("destroying what is not there is no error");
        assert!(self.factory.pause(&unknown).await.is_err(), "what is not there cannot be paused");
    }

    async fn a_paused_container_can_be_destroyed(&self) {
        let (name, client) = self.create_initialised("frozen").await;
        client.forget_connections();
        self.factory.pause(&name).await.expect("pause");
        timeout(PATIENCE, self.factory.destroy(&name)).await.expect("in time").expect("destroy");
        assert_eq!(self.factory.state(&name).await.expect("state"), ContainerState::Ended);
    }

    async fn what_cannot_be_made_leaves_nothing(&self) {
        let spec = self.spec("missing", self.missing.clone());
        let error = self.factory.create(&spec).await.map(|_| ()).expect_err("the image is missing");
        assert!(!matches!(error, ContainerError::Timeout { .. }), "{error:?}");
        assert_eq!(self.factory.state(&spec.name).await.expect("state"), ContainerState::Ended);
        assert_eq!(self.factory.remove_leftovers().await.expect("look for leftovers"), 0);
    }

    async fn leftovers_are_removed(&self) {
        let (first, _running) = self.create("left-1").await;
        let (second, client) = self.create_initialised("left-2").await;
        client.forget_connections();
        self.factory.pause(&second).await.expect("pause");
        assert_eq!(self.factory.remove_leftovers().await.expect("remove leftovers"), 2);
        for name in [first, second] {
            assert_eq!(self.factory.state(&name).await.expect("state"), ContainerState::Ended);
        }
        assert_eq!(self.factory.remove_leftovers().await.expect("nothing to remove"), 0);
    }

    fn spec(&self, name: &str, image: ContainerImage) -> ContainerSpec {
        let name = ContainerName::new(&format!("{}-{name}", self.prefix));
        ContainerSpec { name, image, memory: 256, cpu: None, gpus: Vec::new(), env: BTreeMap::new() }
    }

    async fn create(&self, name: &str) -> (ContainerName, StartedContainer) {
        let spec = self.spec(name, self.image.clone());
        let started = timeout(PATIENCE, self.factory.create(&spec)).await.expect("in time").expect("create");
        (spec.name, started)
    }

    async fn create_initialised(&self, name: &str) -> (ContainerName, ActionClient) {
        let (name, started) = self.create(name).await;
        let client = ActionClient::new(started.address);
        tokio::spawn(read_all(started.output));
        initialise(&client, self.code).await;
        (name, client)
    }
}

/// Limits of a run: the given time, and 1 MiB.
#[must_use]
pub fn limits(timeout: Duration) -> RunLimits {
    RunLimits { timeout, max_response_bytes: 1 << 20, truncate_to: 1 << 20 }
}

/// Sends `/init` with an action's source text.
///
/// # Panics
/// When it is not answered with 200.
pub async fn initialise(client: &ActionClient, code: &str) {
    let value = serde_json::json!({"name": "a", "main": "main", "code": code, "binary": false});
    let body = serde_json::json!({ "value": value }).to_string();
    assert_eq!(answer(client.init(body.into(), PATIENCE).await).status, 200);
}

/// Sends `/run` with an object that holds `text` and gives what came back in its place.
async fn echo(client: &ActionClient, text: &str) -> String {
    let answer = answer(client.run(run_body(text), limits(PATIENCE)).await);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let object: serde_json::Value = serde_json::from_slice(&answer.body).expect("the answer is JSON");
    object["text"].as_str().expect("the answer is the object that was sent").to_owned()
}

fn run_body(text: &str) -> Bytes {
    serde_json::json!({"value": {"text": text}, "action_name": "/guest/a"}).to_string().into()
}

/// The answer of an exchange.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn answer(exchange: Exchange) -> Answer {
    match exchange.reply {
        Reply::Answered(answer) => answer,
        other => panic!("no answer but {other:?}"),
    }
}

/// Everything a container writes until it ends, by stream.
pub async fn read_all(
    mut output: BoxStream<'static, std::io::Result<OutputChunk>>,
) -> BTreeMap<Stream, String> {
    let mut texts: BTreeMap<Stream, String> = BTreeMap::new();
    while let Some(Ok(chunk)) = output.next().await {
        texts.entry(chunk.stream).or_default().push_str(&String::from_utf8_lossy(&chunk.bytes));
    }
    texts
}
