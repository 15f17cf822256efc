//! What the test decides: the outcome of each step and the reply to each request.

use std::time::Duration;

use whirl_model::ImageName;

use crate::factory::{ContainerError, ContainerName, ContainerSpec, Stream};

/// The line that a runtime writes to both streams after each activation.
const END_MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n";

/// How a step of the factory ends.
#[derive(Debug)]
pub struct Outcome {
    /// After how long.
    pub after: Duration,
    /// With what.
    pub result: Result<(), ContainerError>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self::after(Duration::ZERO)
    }
}

impl Outcome {
    /// Success, after a while.
    #[must_use]
    pub fn after(after: Duration) -> Self {
        Self { after, result: Ok(()) }
    }

    /// Failure, at once.
    #[must_use]
    pub fn fails(error: ContainerError) -> Self {
        Self { after: Duration::ZERO, result: Err(error) }
    }
}

/// A request that a scripted container was sent.
#[derive(Clone, Debug)]
pub struct ScriptedRequest {
    /// To which container.
    pub container: ContainerName,
    /// How many requests of this kind it was sent before.
    pub number: usize,
    /// The body, null if it is no JSON.
    pub body: serde_json::Value,
}

/// What becomes of a scripted container once it has replied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It lives on.
    Lives,
    /// It lives on, but a process in it was killed for want of memory.
    LosesAProcess,
    /// It ends without an answer.
    Dies,
    /// It ends without an answer, for want of memory.
    RunsOutOfMemory,
}

/// What a scripted container does with a request.
#[derive(Clone, Debug)]
pub struct ScriptedReply {
    /// How long it works on it.
    pub after: Duration,
    /// How much CPU time that takes.
    pub cpu: Duration,
    /// What it writes meanwhile.
    pub output: Vec<(Stream, String)>,
    /// The status of its answer.
    pub status: u16,
    /// The body of its answer.
    pub body: String,
    /// What becomes of it.
    pub fate: Fate,
}

impl ScriptedReply {
    /// An answer at once, with the end mark on both streams.
    #[must_use]
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        let output = [Stream::Stdout, Stream::Stderr].map(|stream| (stream, END_MARK.to_owned()));
        let (after, cpu) = (Duration::ZERO, Duration::ZERO);
        Self { after, cpu, output: output.into(), status, body: body.into(), fate: Fate::Lives }
    }

    /// An answer with status 200.
    #[must_use]
    pub fn ok(body: impl Into<String>) -> Self {
        Self::new(200, body)
    }

    /// No answer: the container ends.
    #[must_use]
    pub fn none(fate: Fate) -> Self {
        Self { fate, output: Vec::new(), ..Self::new(200, "") }
    }

    /// The same after a while.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// The same with CPU time used.
    #[must_use]
    pub fn using(self, cpu: Duration) -> Self {
        Self { cpu, ..self }
    }

    /// The same with text on each stream before all else.
    #[must_use]
    pub fn writing(mut self, stdout: &str, stderr: &str) -> Self {
        let lines = [(Stream::Stdout, stdout.to_owned()), (Stream::Stderr, stderr.to_owned())];
        self.output.splice(0..0, lines);
        self
    }

    /// The same without end marks and with nothing else written.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { output: Vec::new(), ..self }
    }
}

type ProvideStep = Box<dyn Fn(&ImageName) -> Outcome + Send + Sync>;
type CreateStep = Box<dyn Fn(&ContainerSpec) -> Outcome + Send + Sync>;
type Step = Box<dyn Fn(&ContainerName) -> Outcome + Send + Sync>;
type Responder = Box<dyn Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync>;

/// All that a test decides. By default everything succeeds at once, and `/run` answers with the arguments.
pub struct Script {
    pub(super) provide: ProvideStep,
    pub(super) create: CreateStep,
    pub(super) pause: Step,
    pub(super) resume: Step,
    pub(super) destroy: Step,
    pub(super) init: Responder,
    pub(super) run: Responder,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            provide: Box::new(|_| Outcome::default()),
            create: Box::new(|_| Outcome::default()),
            pause: Box::new(|_| Outcome::default()),
            resume: Box::new(|_| Outcome::default()),
            destroy: Box::new(|_| Outcome::default()),
            init: Box::new(|_| ScriptedReply::ok(r#"{"ok":true}"#).silent()),
            run: Box::new(|request| ScriptedReply::ok(request.body["value"].to_string())),
        }
    }
}

impl Script {
    /// Decides how providing an image ends.
    #[must_use]
    pub fn on_provide(self, step: impl Fn(&ImageName) -> Outcome + Send + Sync + 'static) -> Self {
        Self { provide: Box::new(step), ..self }
    }

    /// Decides how creating ends.
    #[must_use]
    pub fn on_create(self, step: impl Fn(&ContainerSpec) -> Outcome + Send + Sync + 'static) -> Self {
        Self { create: Box::new(step), ..self }
    }

    /// Decides how pausing ends.
    #[must_use]
    pub fn on_pause(self, step: impl Fn(&ContainerName) -> Outcome + Send + Sync + 'static) -> Self {
        Self { pause: Box::new(step), ..self }
    }

    /// Decides how resuming ends.
    #[must_use]
    pub fn on_resume(self, step: impl Fn(&ContainerName) -> Outcome + Send + Sync + 'static) -> Self {
        Self { resume: Box::new(step), ..self }
    }

    /// Decides how destroying ends.
    #[must_use]
    pub fn on_destroy(self, step: impl Fn(&ContainerName) -> Outcome + Send + Sync + 'static) -> Self {
        Self { destroy: Box::new(step), ..self }
    }

    /// Decides what `/init` replies.
    #[must_use]
    pub fn on_init(self, reply: impl Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync + 'static) -> Self {
        Self { init: Box::new(reply), ..self }
    }

    /// Decides what `/run` replies.
    #[must_use]
    pub fn on_run(self, reply: impl Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync + 'static) -> Self {
        Self { run: Box::new(reply), ..self }
    }
}
