//! One scripted container: a tiny HTTP server in this process, and the stream of what it "writes".

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::script::{Fate, Script, ScriptedReply, ScriptedRequest};
use super::{Call, Stage};
use crate::factory::{ContainerName, ContainerState, CpuMeter, OutputChunk, StartedContainer};

/// The factory's hold on a container.
pub(super) struct Container {
    state: ContainerState,
    paused: watch::Sender<bool>,
    server: AbortHandle,
}

impl Container {
    /// Starts to listen.
    pub(super) async fn start(
        name: ContainerName,
        script: Arc<Script>,
        stage: Arc<Stage>,
    ) -> io::Result<(Self, StartedContainer)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (output, chunks) = unbounded();
        let (paused, is_paused) = watch::channel(false);
        let worked = Worked::default();
        let meter = Box::new(worked.clone());
        let requests = Default::default();
        let factory = Arc::clone(&stage);
        let actor = Actor { name, script, stage, output, paused: is_paused, worked, requests };
        let server = tokio::spawn(serve(listener, Arc::new(actor))).abort_handle();
        let container = Self { state: ContainerState::Running, paused, server };
        let output = chunks.then(move |chunk| {
            let factory = Arc::clone(&factory);
            async move {
                factory.until_engine_works().await;
                Ok(chunk)
            }
        });
        Ok((container, StartedContainer { address, output: output.boxed(), meter: Some(meter) }))
    }

    pub(super) fn state(&self) -> ContainerState {
        self.state
    }

    /// A process in it was killed for want of memory.
    pub(super) fn lose_a_process(&mut self) {
        self.state = ContainerState::OutOfMemory;
    }

    pub(super) fn set_paused(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Closes all connections, stops to listen and ends the output.
    pub(super) fn end(&mut self, state: ContainerState) {
        self.state = state;
        self.server.abort();
    }
}

/// CPU time, in nanoseconds.
#[derive(Clone, Default)]
struct Worked(Arc<AtomicU64>);

impl CpuMeter for Worked {
    fn used(&self) -> Option<Duration> {
        Some(Duration::from_nanos(self.0.load(Ordering::Relaxed)))
    }
}

/// What plays the container's part.
struct Actor {
    name: ContainerName,
    script: Arc<Script>,
    stage: Arc<Stage>,
    output: UnboundedSender<OutputChunk>,
    paused: watch::Receiver<bool>,
    worked: Worked,
    /// How many `/init` and `/run` there were.
    requests: [AtomicUsize; 2],
}

/// Ends, with all its connections, when the task is aborted.
async fn serve(listener: TcpListener, actor: Arc<Actor>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(attend(stream, Arc::clone(&actor)));
    }
}

async fn attend(stream: TcpStream, actor: Arc<Actor>) {
    let service = service_fn(move |request| {
        let actor = Arc::clone(&actor);
        async move { actor.answer(request).await }
    });
    // A client that breaks off is part of the play.
    let _broken =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Actor {
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let is_init = request.uri().path() == "/init";
        let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let number = self.requests[usize::from(is_init)].fetch_add(1, Ordering::Relaxed);
        let request = ScriptedRequest { container: self.name.clone(), number, body: body.clone() };
        let (call, reply) = if is_init {
            (Call::Init(self.name.clone(), body), (self.script.init)(&request))
        } else {
            (Call::Run(self.name.clone(), body), (self.script.run)(&request))
        };
        self.stage.calls.lock().push(call);
        self.play(reply).await
    }

    async fn play(&self, reply: ScriptedReply) -> io::Result<Response<Full<Bytes>>> {
        sleep(reply.after).await;
        let nanos = u64::try_from(reply.cpu.as_nanos()).unwrap_or(u64::MAX);
        self.worked.0.fetch_add(nanos, Ordering::Relaxed);
        let ended = |_| io::Error::other("the container was destroyed");
        self.paused.clone().wait_for(|paused| !paused).await.map_err(ended)?;
        for (stream, text) in reply.output {
            // Nobody may be reading.
            let _unread = self.output.unbounded_send(OutputChunk { stream, bytes: text.into() });
        }
        if reply.fate == Fate::LosesAProcess {
            self.stage.lose_a_process(&self.name);
        }
        let state = match reply.fate {
            Fate::Lives | Fate::LosesAProcess => {
                let response = Response::builder().status(reply.status);
                return response.body(Full::new(reply.body.into())).map_err(io::Error::other);
            }
            Fate::Dies => ContainerState::Ended,
            Fate::RunsOutOfMemory => ContainerState::OutOfMemory,
        };
        self.stage.end(&self.name, state);
        Err(io::Error::other("the script ends the container"))
    }
}
