//! Runs one activation in one container, from the first byte of `/init` or `/run` to its record.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use whirl_containers::action_client::{Exchange, Reply, RunLimits};
use whirl_containers::factory::ContainerState;
use whirl_model::{ActivationResponse, Arguments, Input, Outcome, Timestamp};
use whirl_scheduling::pool::{ContainerId, Event, Fate};

use crate::chain;
use crate::container::Running;
use crate::job::Job;
use crate::logs::{Page, Sharing};
use crate::outcome::{self, Verdict};
use crate::payload::{self, Context};
use crate::preparation::Preparation;
use crate::record::{self, Cost, Interval, Over};
use crate::record_writer::Entry;
use crate::shell::Shell;

/// An activation is tried in so many containers before it is given up.
const BOUNCES: u32 = 3;
/// An answer is held back this long, at most, to find out from the container's state why the action failed.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// How a run went.
enum Run {
    Over(Over),
    /// The container did not take it.
    Elsewhere,
    /// The invoker, which is going, ended the container: what becomes of the activation is up to the bus.
    Abandoned,
}

/// Runs the job and tells the pool what became of the container.
pub(crate) async fn run(
    shell: Arc<Shell>,
    id: ContainerId,
    container: Arc<Running>,
    mut job: Job,
    preparation: Preparation,
) {
    if preparation == Preparation::Resume {
        if let Err(error) = container.resume(&*shell.factory).await {
            tracing::warn!(error = chain(&error), "a container cannot be resumed");
            return shell.stay_frozen(id, job);
        }
        shell.turn(Event::Resumed(id));
    }
    let log_limit = (job.action.limits.logs as usize) << 20;
    let page_number = container.book.lock().begin(job.message.activation_id, log_limit);
    shell.live.begun(job.message.activation_id, &container);
    if let Err(error) = job.receipt.started() {
        tracing::error!(error = chain(&error), activation = %job.message.activation_id, "a start cannot be noted");
        container.book.lock().cancel(page_number);
        let is_blank = matches!(preparation, Preparation::Initialise(_));
        let turn = shell.turn(Event::Ended(id, if is_blank { Fate::Discard } else { Fate::Keep }));
        return shell.end_without_run(job, outcome::start_not_noted(), turn.report).await;
    }
    let began = Instant::now();
    if let Preparation::Initialise(_) = preparation {
        container.cpu.reset();
    }
    let cpu = container.cpu.begin();
    let run = Attempt::new(&shell, id, &container, &job).go(preparation).await;
    let cpu = container.cpu.end(&cpu);
    match run {
        Run::Abandoned => {}
        Run::Elsewhere => {
            container.book.lock().cancel(page_number);
            job.bounces += 1;
            if job.bounces <= BOUNCES {
                return shell.bounce(id, job);
            }
            let turn = shell.turn(Event::Ended(id, Fate::Discard));
            shell.end_without_run(job, outcome::no_container(), turn.report).await;
        }
        Run::Over(over) => {
            let answered = Instant::now();
            let broken = matches!(over.response.outcome, Outcome::DeveloperError | Outcome::InternalError);
            let cost = Cost { preparation, cpu, overhead: job.overhead(answered, over.interval.total) };
            let record = Arc::new(record::of_run(&job.message, &job.action, over, cost));
            // From the acknowledgement on the caller may have the result: a record of it is safe first.
            let is_kept = shell.conclude(&job.message, &record, &*job.receipt);
            if !broken {
                shell.factory.run_ended(&container.name);
            }
            let turn = shell.turn(Event::Ended(id, if broken { Fate::Discard } else { Fate::Keep }));
            let stages = &shell.metrics.stages;
            stages.placement.observe((began - job.taken).as_secs_f64());
            stages.run.observe((answered - began).as_secs_f64());
            stages.record.observe(answered.elapsed().as_secs_f64());
            shell.acknowledge(&job.message, &record, turn.report).await;
            // The caller's task goes first: nobody waits for what follows.
            tokio::task::yield_now().await;
            if !is_kept {
                shell.live.over(job.message.activation_id);
            }
            let receipt = job.receipt;
            let ticket = is_kept.then(|| Entry { record: Arc::unwrap_or_clone(record), receipt });
            let finished = container.book.lock().end(page_number, Page { ticket, broken }, container.now());
            shell.logs_done(id, finished);
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
        if let Preparation::Initialise(_) = preparation {
            let (verdict, elapsed) = self.init(&environment, interval.start).await;
            interval.init = Some(elapsed);
            interval.total = elapsed;
            match verdict {
                Verdict::Ready => {
                    self.shell.turn(Event::Initialised(self.id));
                }
                Verdict::Over { response, timed_out } => {
                    let response = self.unless_out_of_memory(response, timed_out).await;
                    return Run::Over(Over { response, interval, timed_out });
                }
                Verdict::Elsewhere => return Run::Elsewhere,
                Verdict::Broken => return self.broken(interval, outcome::of_broken_init).await,
            }
        }
        self.run(&input, interval).await
    }

    async fn init(&self, environment: &Arguments, start: Timestamp) -> (Verdict, Duration) {
        let tag_word = (self.job.action.limits.concurrency > 1).then(Sharing::tag_word);
        if let Some(word) = &tag_word {
            self.container.book.lock().ask_for_tags(word);
        }
        let body = payload::init(&self.context(start), environment, tag_word.as_deref());
        let began = Instant::now();
        tokio::select! {
            biased;
            exchange = self.container.client.init(body, self.timeout) => {
                if tag_word.is_some() {
                    self.share(&exchange);
                }
                (outcome::of_init(&exchange, self.timeout), exchange.elapsed)
            }
            () = self.container.wait_until_ended() => (Verdict::Broken, began.elapsed()),
        }
    }

    /// The image has said how activations are to share the container.
    fn share(&self, exchange: &Exchange) {
        let Reply::Answered(answer) = &exchange.reply else { return };
        // What does not go on is not shared.
        if answer.status != 200 {
            return;
        }
        let sharing = Sharing::told(&answer.body);
        self.container.book.lock().share(sharing);
        if sharing == Sharing::OneAtATime {
            self.shell.turn(Event::Serial(self.id));
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
                Run::Over(Over { response, interval, timed_out })
            }
            // `of_run` never says `Ready`.
            Verdict::Elsewhere | Verdict::Ready => Run::Elsewhere,
            Verdict::Broken => self.broken(interval, outcome::of_broken_run).await,
        }
    }

    /// The connection broke: the container's state tells why.
    async fn broken(&self, interval: Interval, response: fn(ContainerState) -> ActivationResponse) -> Run {
        if self.shell.is_closing() {
            return Run::Abandoned;
        }
        let response = response(self.state_in_the_end().await);
        Run::Over(Over { response, interval, timed_out: false })
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
        match tokio::time::timeout(LONGEST_LOOK, self.state()).await {
            Ok(Some(ContainerState::OutOfMemory)) => outcome::out_of_memory(),
            _ => response,
        }
    }

    /// How the container is after its connection broke. Its end may take a moment.
    async fn state_in_the_end(&self) -> ContainerState {
        let end = async {
            loop {
                match self.state().await {
                    Some(ContainerState::Running) => tokio::time::sleep(ASK_AGAIN).await,
                    state => return state.unwrap_or(ContainerState::Ended),
                }
            }
        };
        tokio::time::timeout(LONGEST_LOOK, end).await.unwrap_or(ContainerState::Ended)
    }

    async fn state(&self) -> Option<ContainerState> {
        let state = self.shell.factory.state(&self.container.name).await;
        state.inspect_err(|error| tracing::warn!(error = chain(error), "a container's state is unknown")).ok()
    }
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
