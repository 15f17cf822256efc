//! Runs one activation in one container, from the first byte of `/init` or `/run` to its record.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use whirl_containers::action_client::RunLimits;
use whirl_containers::factory::ContainerState;
use whirl_model::{ActivationResponse, Arguments, Input, Outcome, Timestamp};
use whirl_scheduling::pool::{ContainerId, Event, Fate};

use crate::container::Running;
use crate::job::Job;
use crate::logs::Page;
use crate::outcome::{self, Verdict};
use crate::payload::{self, Context};
use crate::record::{self, Interval};
use crate::record_writer::Entry;
use crate::shell::Shell;

/// An activation is tried in so many containers before it is given up.
const BOUNCES: u32 = 3;
/// After a connection broke, the container's end is waited for this long, to tell why.
const LONGEST_END: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// What has to happen before `/run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    /// Nothing: the container is warm.
    None,
    /// It is thawed.
    Resume,
    /// It gets its code.
    Initialise,
}

impl Preparation {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::None => "warm",
            Self::Resume => "resumed",
            Self::Initialise => "stem",
        }
    }
}

/// How a run went.
enum Run {
    Over { response: ActivationResponse, interval: Interval, timed_out: bool },
    Elsewhere,
}

/// Runs the job and tells the pool what became of the container.
pub(crate) async fn run(
    shell: Arc<Shell>,
    id: ContainerId,
    container: Arc<Running>,
    mut job: Job,
    preparation: Preparation,
) {
    if preparation == Preparation::Resume && !resume(&shell, id, &container, &mut job).await {
        return;
    }
    let log_limit = (job.action.limits.logs as usize) << 20;
    let page_number = container.book.lock().begin(job.message.activation_id, log_limit);
    if let Err(error) = job.receipt.started() {
        tracing::error!(error = chain(&error), activation = %job.message.activation_id, "a start cannot be noted");
        container.book.lock().cancel(page_number);
        let fate = if preparation == Preparation::Initialise { Fate::Discard } else { Fate::Keep };
        let report = shell.turn(Event::Ended(id, fate));
        let response = outcome::start_not_noted();
        return shell.end_without_run(job, response, report).await;
    }
    let began = Instant::now();
    match Attempt::new(&shell, id, &container, &job).go(preparation).await {
        Run::Elsewhere => {
            container.book.lock().cancel(page_number);
            job.bounces += 1;
            if job.bounces <= BOUNCES {
                return shell.bounce(id, job);
            }
            let report = shell.turn(Event::Ended(id, Fate::Discard));
            shell.end_without_run(job, outcome::no_container(), report).await;
        }
        Run::Over { response, interval, timed_out } => {
            let answered = Instant::now();
            let broken = matches!(response.outcome, Outcome::DeveloperError | Outcome::InternalError);
            let record = record::of_run(&job.message, &job.action, interval, response, timed_out);
            let record = Arc::new(record);
            // From the acknowledgement on the caller may have the result: a record of it is safe first.
            let is_kept = shell.conclude(&job.message, &record, &*job.receipt);
            let report = shell.turn(Event::Ended(id, if broken { Fate::Discard } else { Fate::Keep }));
            let stages = &shell.metrics.stages;
            stages.placement.observe((began - job.taken).as_secs_f64());
            stages.run.observe((answered - began).as_secs_f64());
            stages.record.observe(answered.elapsed().as_secs_f64());
            shell.acknowledge(&job.message, &record, report).await;
            // The caller's task goes first: nobody waits for what follows.
            tokio::task::yield_now().await;
            let receipt = job.receipt;
            let ticket = is_kept.then(|| Entry { record: Arc::unwrap_or_clone(record), receipt });
            let finished = container.book.lock().end(page_number, Page { ticket, broken }, container.now());
            shell.logs_done(id, finished);
        }
    }
}

/// Thaws the container; whether that worked. Else the pool has the request again.
async fn resume(shell: &Arc<Shell>, id: ContainerId, container: &Running, job: &mut Job) -> bool {
    match shell.factory.resume(&container.name).await {
        Ok(()) => {
            shell.turn(Event::Resumed(id));
            true
        }
        Err(error) => {
            tracing::warn!(error = chain(&error), "a container cannot be resumed");
            shell.put_back(job.clone());
            shell.turn(Event::FreezerFailed(id));
            false
        }
    }
}

/// One try to run a job in one container.
struct Attempt<'a> {
    shell: &'a Arc<Shell>,
    id: ContainerId,
    container: &'a Running,
    job: &'a Job,
    timeout: Duration,
    api_key: Option<String>,
}

impl<'a> Attempt<'a> {
    fn new(shell: &'a Arc<Shell>, id: ContainerId, container: &'a Running, job: &'a Job) -> Self {
        let timeout = Duration::from_millis(job.action.limits.timeout.into());
        let api_key = job.action.wants_api_key().then(|| open_key(shell, job)).flatten();
        Self { shell, id, container, job, timeout, api_key }
    }

    async fn go(&self, preparation: Preparation) -> Run {
        let message = &self.job.message;
        let (input, environment) = if message.init_arguments.is_empty() {
            (Cow::Borrowed(&message.arguments), Arguments::default())
        } else {
            let mut input = message.arguments.clone();
            let environment = input.split_off(&message.init_arguments);
            (Cow::Owned(input), environment)
        };
        let mut interval =
            Interval { start: Timestamp::from_system(SystemTime::now()), init: None, total: Duration::ZERO };
        if preparation == Preparation::Initialise {
            let (verdict, elapsed) = self.init(&environment, interval.start).await;
            interval.init = Some(elapsed);
            interval.total = elapsed;
            match verdict {
                Verdict::Ready => {
                    self.shell.turn(Event::Initialised(self.id));
                }
                Verdict::Over { response, timed_out } => {
                    let response = self.unless_out_of_memory(response, timed_out).await;
                    return Run::Over { response, interval, timed_out };
                }
                Verdict::Elsewhere => return Run::Elsewhere,
                Verdict::Broken => {
                    let response = outcome::of_broken_init(self.state_in_the_end().await);
                    return Run::Over { response, interval, timed_out: false };
                }
            }
        }
        self.run(&input, interval).await
    }

    async fn init(&self, environment: &Arguments, start: Timestamp) -> (Verdict, Duration) {
        let body = payload::init(&self.context(start), environment);
        let began = Instant::now();
        tokio::select! {
            biased;
            exchange = self.container.client.init(body, self.timeout) => {
                (outcome::of_init(&exchange, self.timeout), exchange.elapsed)
            }
            () = self.container.wait_until_ended() => (Verdict::Broken, began.elapsed()),
        }
    }

    async fn run(&self, input: &Input, mut interval: Interval) -> Run {
        let now = Timestamp::from_system(SystemTime::now());
        let body = payload::run(&self.context(now), input);
        let payload_limit = usize::try_from(self.shell.bounds.payload_bytes).unwrap_or(usize::MAX);
        let limits = RunLimits {
            timeout: self.timeout,
            max_response_bytes: payload_limit,
            truncate_to: payload_limit,
        };
        let exchange = self.container.client.run(body, limits).await;
        interval.total += exchange.elapsed;
        match outcome::of_run(&exchange, self.timeout) {
            Verdict::Over { response, timed_out } => {
                let response = self.unless_out_of_memory(response, timed_out).await;
                Run::Over { response, interval, timed_out }
            }
            // `of_run` never says `Ready`.
            Verdict::Elsewhere | Verdict::Ready => Run::Elsewhere,
            Verdict::Broken => {
                let response = outcome::of_broken_run(self.state_in_the_end().await);
                Run::Over { response, interval, timed_out: false }
            }
        }
    }

    fn context(&self, now: Timestamp) -> Context<'_> {
        Context {
            message: &self.job.message,
            action: &self.job.action,
            api_key: self.api_key.as_deref(),
            deadline: now.plus(self.timeout),
        }
    }

    /// A proxy that lives on answers for a process that was killed; the kernel knows better.
    async fn unless_out_of_memory(
        &self,
        response: ActivationResponse,
        timed_out: bool,
    ) -> ActivationResponse {
        if response.outcome != Outcome::DeveloperError || timed_out {
            return response;
        }
        match self.shell.factory.state(&self.container.name).await {
            Ok(ContainerState::OutOfMemory) => outcome::out_of_memory(),
            _ => response,
        }
    }

    /// How the container is after its connection broke. Its end may take a moment.
    async fn state_in_the_end(&self) -> ContainerState {
        let deadline = tokio::time::Instant::now() + LONGEST_END;
        loop {
            match self.shell.factory.state(&self.container.name).await {
                Ok(ContainerState::Running) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Ok(state) => return state,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "a container's state is unknown");
                    return ContainerState::Ended;
                }
            }
        }
    }
}

fn chain<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    error
}

/// The caller's key in clear.
fn open_key(shell: &Shell, job: &Job) -> Option<String> {
    let caller = &job.message.caller;
    match shell.key.open(&caller.sealed_key, caller.uuid.as_bytes()) {
        Ok(credentials) => Some(credentials.reveal()),
        Err(error) => {
            tracing::warn!(error = chain(&error), namespace = %caller.namespace, "a caller's key cannot be opened");
            None
        }
    }
}
