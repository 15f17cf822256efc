//! Reads the invoker's topic: makes a job of each activation and hands it to the pool.

use std::sync::Arc;
use std::time::Instant;

use whirl_backends::bus::{Consumer, Delivery, Message, Progress, Receipt};
use whirl_model::{ActivationMessage, ActivationResponse, Json, Position};
use whirl_scheduling::pool::{Event, WarmKey};

use crate::actions::Runnable;
use crate::environment;
use crate::job::{Job, Wait};
use crate::outcome;
use crate::shell::Shell;

/// An action with this annotation, truthy, is run again when nobody knows whether it ran.
const RETRY_ON_LOSS: &str = "retry-on-loss";

pub(crate) struct Feed(pub(crate) Arc<Shell>);

impl Consumer for Feed {
    fn deliver(&self, delivery: Delivery) {
        let Delivery { message, position, published, progress, receipt } = delivery;
        let Message::Activation(message) = message else {
            tracing::warn!("an invoker's topic holds a message that is no activation");
            return;
        };
        let shell = &self.0;
        if let Some(took) = published.and_then(|at| at.elapsed().ok()) {
            shell.metrics.stages.delivery.observe(took.as_secs_f64());
        }
        shell.records.announce();
        let taken = Taken { message, receipt, position, at: Instant::now() };
        if taken.message.epoch != shell.epoch() {
            shell.expect(position);
            tokio::spawn(taken.refuse(Arc::clone(shell)));
            return;
        }
        match (progress, shell.actions.cached(&taken.message)) {
            // The usual case has nothing to wait for and stays on this thread.
            (Progress::NotStarted, Some(runnable)) => taken.arrive(shell, runnable),
            (progress, _) => {
                shell.expect(position);
                tokio::spawn(taken.read_then_arrive(Arc::clone(shell), progress));
            }
        }
    }
}

/// An activation that was taken from the topic and is not in the pool yet.
struct Taken {
    message: Arc<ActivationMessage>,
    receipt: Arc<dyn Receipt>,
    position: Position,
    at: Instant,
}

impl Taken {
    fn arrive(self, shell: &Arc<Shell>, runnable: Runnable) {
        let Self { message, receipt, position, at: taken } = self;
        let key = WarmKey {
            namespace: message.caller.namespace.clone(),
            action: runnable.action.doc_id(),
            revision: runnable.revision,
            binding: message.binding.clone(),
            environment: environment::digest(&message.arguments, &message.init_arguments),
        };
        let Runnable { action, stem, .. } = runnable;
        let job = Job {
            awaits_image: shell.actions.is_users_own(&stem),
            provision: None,
            deadline: shell.deadline(message.arrived),
            wait: Wait::default(),
            bounces: 0,
            message,
            action,
            receipt,
            key,
            stem,
            taken,
        };
        shell.arrive(job, position);
    }

    async fn read_then_arrive(self, shell: Arc<Shell>, progress: Progress) {
        let response = match (shell.actions.read(&self.message.action).await, progress) {
            (Ok(runnable), Progress::NotStarted) => return self.arrive(&shell, runnable),
            (Ok(runnable), Progress::MayHaveStarted)
                if runnable.action.annotations.get(RETRY_ON_LOSS).is_some_and(Json::is_truthy) =>
            {
                return self.arrive(&shell, runnable);
            }
            (_, Progress::MayHaveStarted) => outcome::lost(),
            (Err(error), Progress::NotStarted) => {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(error = cause, action = %self.message.action, "an activation cannot be run");
                error.response()
            }
        };
        self.end(&shell, response).await;
    }

    /// It was meant for another life of this invoker: whoever sent it has given it up, or will.
    async fn refuse(self, shell: Arc<Shell>) {
        tracing::warn!(
            activation = %self.message.activation_id,
            epoch = %self.message.epoch,
            now = %shell.epoch(),
            "an activation for another life of this invoker is not run"
        );
        shell.metrics.outdated.inc();
        self.end(&shell, outcome::lost()).await;
    }

    async fn end(self, shell: &Arc<Shell>, response: ActivationResponse) {
        let report = shell.settle(self.position);
        shell.end_without_action(&self.message, self.receipt, response, report).await;
        shell.grant(1);
        // What follows from this is nothing for the pool, which never knew the activation; a drain may be over.
        shell.turn(Event::Tick);
    }
}
