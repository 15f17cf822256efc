//! What a container's answers mean for an activation. The texts are those that OpenWhisk's clients know.

use std::time::Duration;

use whirl_containers::action_client::{Answer, Exchange, Reply};
use whirl_containers::factory::ContainerState;
use whirl_model::json::JsonKind;
use whirl_model::limits::LimitError;
use whirl_model::{ActivationResponse, ImageName, Json, Outcome};
use whirl_scheduling::pool::{Rejection, StartFailure};

/// What became of `/init` or `/run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// `/init` succeeded: the container can run.
    Ready,
    /// The activation is over with this response.
    Over {
        response: ActivationResponse,
        /// Whether its time was up.
        timed_out: bool,
    },
    /// The container did not take it: it may be run elsewhere.
    Elsewhere,
    /// The connection broke: what the container's state says decides between these.
    Broken,
}

fn over(response: ActivationResponse) -> Verdict {
    Verdict::Over { response, timed_out: false }
}

fn developer(error: &str) -> ActivationResponse {
    ActivationResponse::failure(Outcome::DeveloperError, error)
}

/// What an answer to `/init` means.
pub(crate) fn of_init(exchange: &Exchange, timeout: Duration) -> Verdict {
    match &exchange.reply {
        _ if exchange.elapsed >= timeout => timed_out_in_init(timeout),
        Reply::TimedOut => timed_out_in_init(timeout),
        Reply::Answered(answer) if is_untaken(answer) => Verdict::Elsewhere,
        Reply::Answered(answer) => match too_large(answer) {
            Some(text) => over(developer(&text)),
            None if answer.status == 200 => Verdict::Ready,
            None => over(init_failed(answer)),
        },
        Reply::ConnectionLost { .. } | Reply::NeverConnected { .. } => Verdict::Broken,
    }
}

/// What an answer to `/run` means.
pub(crate) fn of_run(exchange: &Exchange, timeout: Duration) -> Verdict {
    match &exchange.reply {
        _ if exchange.elapsed >= timeout => timed_out(timeout),
        Reply::TimedOut => timed_out(timeout),
        Reply::Answered(answer) if is_untaken(answer) => Verdict::Elsewhere,
        Reply::Answered(answer) => over(run_answered(answer)),
        Reply::ConnectionLost { .. } => Verdict::Broken,
        Reply::NeverConnected { .. } => Verdict::Elsewhere,
    }
}

fn timed_out_in_init(timeout: Duration) -> Verdict {
    let text = format!(
        "The action exceeded its time limits of {} milliseconds during initialization.",
        timeout.as_millis()
    );
    Verdict::Over { response: developer(&text), timed_out: true }
}

fn timed_out(timeout: Duration) -> Verdict {
    let text = format!("The action exceeded its time limits of {} milliseconds.", timeout.as_millis());
    Verdict::Over { response: developer(&text), timed_out: true }
}

/// How action proxies say, in `/init`, that the action ended the process that it runs in.
const EXITED_IN_INIT: &str = "Cannot start action. Command exited abruptly during initialization.";
/// The same in `/run`, with the status 400; with 500 it had ended that process before, and nothing was run.
const EXITED_IN_RUN: &str = "command exited";

/// Whether the container says that it did not begin: it is out of service, or its process ended earlier.
fn is_untaken(answer: &Answer) -> bool {
    let had_exited = || error_member(&answer.body).is_some_and(|error| says(&error, EXITED_IN_RUN));
    answer.status == 503 || answer.status == 500 && had_exited()
}

fn exited_in_init() -> ActivationResponse {
    developer("The action did not initialize and exited unexpectedly.")
}

fn exited_in_run() -> ActivationResponse {
    developer("The action did not produce a valid response and exited unexpectedly.")
}

/// What a broken connection means, once the container's state is known.
pub(crate) fn of_broken_init(state: ContainerState) -> ActivationResponse {
    match state {
        ContainerState::OutOfMemory => out_of_memory(),
        _ => exited_in_init(),
    }
}

/// The same for `/run`.
pub(crate) fn of_broken_run(state: ContainerState) -> ActivationResponse {
    match state {
        ContainerState::OutOfMemory => out_of_memory(),
        _ => exited_in_run(),
    }
}

/// The response of an activation whose process was killed for want of memory, whatever the proxy in front
/// of it answered.
pub(crate) fn out_of_memory() -> ActivationResponse {
    developer("The action exhausted its memory and was aborted.")
}

fn too_large(answer: &Answer) -> Option<String> {
    let truncation = answer.truncated?;
    Some(format!(
        "The action produced a response that exceeded the allowed length: {} > {} bytes. \
         The truncated response was: {}",
        truncation.actual,
        truncation.limit,
        String::from_utf8_lossy(&answer.body)
    ))
}

fn init_failed(answer: &Answer) -> ActivationResponse {
    match error_member(&answer.body) {
        Some(error) if says(&error, EXITED_IN_INIT) => exited_in_init(),
        Some(error) => with_error(Outcome::DeveloperError, &error, None),
        None if answer.body.is_empty() => developer("The action failed during initialization."),
        None => {
            let body = String::from_utf8_lossy(&answer.body);
            developer(&format!("The action failed during initialization: {body}"))
        }
    }
}

fn run_answered(answer: &Answer) -> ActivationResponse {
    if let Some(text) = too_large(answer) {
        let actual = answer.truncated.map(|t| t.actual);
        return ActivationResponse {
            size: actual,
            ..ActivationResponse::failure(Outcome::ApplicationError, &text)
        };
    }
    let size = Some(answer.body.len() as u64);
    let json = json(&answer.body);
    let error = json.as_ref().and_then(|json| json.member("error"));
    if answer.status != 200 {
        return match error {
            Some(error) if answer.status == 400 && says(&error, EXITED_IN_RUN) => exited_in_run(),
            Some(error) => with_error(Outcome::DeveloperError, &error, size),
            None => invalid(answer),
        };
    }
    if let Some(error) = error {
        return with_error(Outcome::ApplicationError, &error, size);
    }
    let is_text = std::str::from_utf8(&answer.body).is_ok();
    match json {
        Some(result) if is_text && matches!(result.kind(), JsonKind::Object | JsonKind::Array) => {
            ActivationResponse { outcome: Outcome::Success, result: Some(result), size }
        }
        _ => invalid(answer),
    }
}

fn invalid(answer: &Answer) -> ActivationResponse {
    let body = String::from_utf8_lossy(&answer.body);
    developer(&format!("The action did not produce a valid JSON or JSON Array response: {body}"))
}

fn with_error(outcome: Outcome, error: &Json, size: Option<u64>) -> ActivationResponse {
    #[derive(serde::Serialize)]
    struct Failure<'a> {
        error: &'a Json,
    }
    ActivationResponse { outcome, result: Some(Json::of(&Failure { error })), size }
}

fn says(error: &Json, text: &str) -> bool {
    error.to_text().is_some_and(|said| said == text)
}

/// The member `error` of a JSON object, the last one if it is repeated; one that is `null` counts.
fn error_member(body: &[u8]) -> Option<Json> {
    json(body)?.member("error")
}

/// A body that is JSON; bytes in it that are no text stand as U+FFFD.
fn json(body: &[u8]) -> Option<Json> {
    Json::parse(&String::from_utf8_lossy(body)).ok()
}

/// No container could be had for it, within `patience` if that is why.
pub(crate) fn of_rejection(rejection: &Rejection, patience: Duration) -> ActivationResponse {
    match rejection {
        Rejection::TooLarge { needs, has } => ActivationResponse::failure(
            Outcome::InternalError,
            &format!(
                "The action needs {needs} MB of memory, and there are {has} MB for all actions together."
            ),
        ),
        Rejection::TooManyCores { needs, has } => ActivationResponse::failure(
            Outcome::InternalError,
            &format!("The action needs {needs} CPU cores, and there are {has} for all actions together."),
        ),
        Rejection::NoGpu(gpu) => ActivationResponse::failure(
            Outcome::InternalError,
            &format!("No invoker has a fitting GPU: the action needs {gpu}."),
        ),
        Rejection::Expired => ActivationResponse::failure(
            Outcome::InternalError,
            &format!(
                "The action was not run: no container was free for it within {} seconds.",
                patience.as_secs()
            ),
        ),
        Rejection::StartFailed(StartFailure { message, developers: true }) => developer(message),
        Rejection::StartFailed(StartFailure { message, .. }) => {
            ActivationResponse::failure(Outcome::InternalError, message)
        }
    }
}

/// The user's image did not come within `patience`.
pub(crate) fn image_too_slow(image: &ImageName, patience: Duration) -> ActivationResponse {
    developer(&format!("Failed to pull container image '{image}' within {} seconds.", patience.as_secs()))
}

/// One container of a user's image after the other did not take the activation.
pub(crate) fn not_taken(image: &ImageName) -> ActivationResponse {
    developer(&format!("The containers of image '{image}' did not take the activation."))
}

/// One container after the other was dead before it took the activation.
pub(crate) fn no_container() -> ActivationResponse {
    ActivationResponse::failure(Outcome::InternalError, "Failed to provision resources to run the action.")
}

/// The action was deleted after the activation was accepted.
pub(crate) fn action_gone() -> ActivationResponse {
    let text = "Action could not be found or may have been deleted.";
    ActivationResponse::failure(Outcome::ApplicationError, text)
}

/// The action's kind is not in the manifest any more.
pub(crate) fn kind_gone() -> ActivationResponse {
    let text = "Action version is not compatible and cannot be invoked.";
    ActivationResponse::failure(Outcome::InternalError, text)
}

/// The action was stored when the platform allowed more.
pub(crate) fn limits_gone(error: &LimitError) -> ActivationResponse {
    ActivationResponse::failure(Outcome::ApplicationError, &error.to_string())
}

/// The store did not give the action.
pub(crate) fn action_unreadable() -> ActivationResponse {
    ActivationResponse::failure(Outcome::InternalError, "Action could not be fetched.")
}

/// The start could not be noted, so it must not be made.
pub(crate) fn start_not_noted() -> ActivationResponse {
    let text = "The activation could not be noted as started, so it was not started.";
    ActivationResponse::failure(Outcome::InternalError, text)
}

/// An earlier process of this invoker died with the activation.
pub(crate) fn lost() -> ActivationResponse {
    let text = "The invoker stopped while the action was or may have been running; \
                it was not run again, and its result, if there was one, is lost.";
    ActivationResponse::failure(Outcome::InternalError, text)
}

#[cfg(test)]
mod tests;
