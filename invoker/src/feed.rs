//! Reads the invoker's topic: makes a job of each activation and hands it to the pool.

use std::sync::Arc;

use whirl_backends::bus::{Consumer, Delivery, Message, Progress, Receipt};
use whirl_model::{ActivationMessage, Json};
use whirl_scheduling::pool::{Event, WarmKey};

use crate::actions::Runnable;
use crate::job::Job;
use crate::outcome;
use crate::shell::Shell;

/// An action with this annotation, truthy, is run again when nobody knows whether it ran.
const RETRY_ON_LOSS: &str = "retry-on-loss";

pub(crate) struct Feed(pub(crate) Arc<Shell>);

impl Consumer for Feed {
    fn deliver(&self, delivery: Delivery) {
        let Message::Activation(message) = delivery.message else {
            tracing::warn!("an invoker's topic holds a message that is no activation");
            return;
        };
        self.0.records.announce();
        match (delivery.progress, self.0.actions.cached(&message)) {
            // The usual case has nothing to wait for and stays on this thread.
            (Progress::NotStarted, Some(runnable)) => arrive(&self.0, message, delivery.receipt, runnable),
            (progress, _) => {
                tokio::spawn(read_then_arrive(Arc::clone(&self.0), message, delivery.receipt, progress));
            }
        }
    }
}

fn arrive(
    shell: &Arc<Shell>,
    message: Arc<ActivationMessage>,
    receipt: Arc<dyn Receipt>,
    runnable: Runnable,
) {
    let key = WarmKey {
        namespace: message.caller.namespace.clone(),
        action: runnable.action.doc_id(),
        revision: runnable.revision,
    };
    shell.arrive(Job { message, action: runnable.action, receipt, key, stem: runnable.stem, bounces: 0 });
}

async fn read_then_arrive(
    shell: Arc<Shell>,
    message: Arc<ActivationMessage>,
    receipt: Arc<dyn Receipt>,
    progress: Progress,
) {
    let read = shell.actions.read(&message).await;
    let response = match (read, progress) {
        (Ok(runnable), Progress::NotStarted) => return arrive(&shell, message, receipt, runnable),
        (Ok(runnable), Progress::MayHaveStarted)
            if runnable.action.annotations.get(RETRY_ON_LOSS).is_some_and(Json::is_truthy) =>
        {
            return arrive(&shell, message, receipt, runnable);
        }
        (_, Progress::MayHaveStarted) => outcome::lost(),
        (Err(error), Progress::NotStarted) => {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, action = %message.action, "an activation cannot be run");
            error.response()
        }
    };
    shell.end_without_run(&message, receipt, response).await;
    shell.grant(1);
    // What follows from this is nothing for the pool, which never knew the activation; a drain may be over.
    shell.turn(Event::Tick);
}
