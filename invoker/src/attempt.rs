//! One try to run an activation in one container: `/init` where it has no code yet, then `/run`. What follows from how
//! it went is in `run_activation`.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use whirl_containers::action_client::{Exchange, Reply, RunLimits};
use whirl_containers::factory::ContainerState;
use whirl_model::{ActivationResponse, Arguments, Input, Outcome, Timestamp};
use whirl_scheduling::pool::{ContainerId, Event};

use crate::chain;
use crate::container::Running;
use crate::environment;
use crate::job::Job;
use crate::logs::Sharing;
use crate::outcome::{self, Verdict};
use crate::payload::{self, Context};
use crate::preparation::Preparation;
use crate::record::{Interval, Over};
use crate::shell::Shell;

/// An answer is held back this long, at most, to find out from the container's state why the action failed.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// How it went.
pub(crate) enum Run {
    Over(Over),
    /// The container did not take it.
    Elsewhere,
    /// The invoker, which is going, ended the container: what becomes of the activation is up to the bus.
    Abandoned,
}

/// One try to run a job in one container.
pub(crate) struct Attempt<'a> {
    shell: &'a Arc<Shell>,
    id: ContainerId,
    container: &'a Running,
    job: &'a Job,
    timeout: Duration,
    api_key: Option<String>,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(shell: &'a Arc<Shell>, id: ContainerId, container: &'a Running, job: &'a Job) -> Self {
        let timeout = Duration::from_millis(job.action.limits.timeout.into());
        let api_key = job.action.wants_api_key().then(|| open_key(shell, job)).flatten();
        Self { shell, id, container, job, timeout, api_key }
    }

    pub(crate) async fn go(&self, preparation: Preparation) -> Run {
        let message = &self.job.message;
        let (input, environment) = environment::split(&message.arguments, &message.init_arguments);
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
