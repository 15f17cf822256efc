//! Every way in which `/init` and `/run` can end, and what users are told of it.

use bytes::Bytes;
use whirl_containers::action_client::Truncation;

use super::*;

const LIMIT: Duration = Duration::from_millis(1000);

fn answered(status: u16, body: &str) -> Exchange {
    let answer = Answer {
        status: status.try_into().unwrap(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        truncated: None,
    };
    Exchange { reply: Reply::Answered(answer), elapsed: Duration::from_millis(1) }
}

fn truncated(status: u16, kept: &str) -> Exchange {
    let mut exchange = answered(status, kept);
    let Reply::Answered(answer) = &mut exchange.reply else { panic!() };
    answer.truncated = Some(Truncation { actual: 99, limit: 9 });
    exchange
}

fn ended(reply: Reply) -> Exchange {
    Exchange { reply, elapsed: Duration::from_millis(1) }
}

fn over(verdict: Verdict) -> (Outcome, String) {
    match verdict {
        Verdict::Over { response, timed_out: false } => told(response),
        other => panic!("{other:?}"),
    }
}

fn told(response: ActivationResponse) -> (Outcome, String) {
    (response.outcome, response.result.unwrap().as_str().to_owned())
}

fn run(status: u16, body: &str) -> (Outcome, String) {
    over(of_run(&answered(status, body), LIMIT))
}

fn init(status: u16, body: &str) -> (Outcome, String) {
    over(of_init(&answered(status, body), LIMIT))
}

/// The developer's error with this text.
fn mistake(text: &str) -> (Outcome, String) {
    (Outcome::DeveloperError, Json::error(text).as_str().to_owned())
}

#[test]
fn init_succeeds_by_its_status_alone() {
    for body in ["", "{}", r#"{"ok":true}"#, r#"{"error":"not now"}"#, "nope"] {
        assert_eq!(of_init(&answered(200, body), LIMIT), Verdict::Ready, "{body}");
    }
}

#[test]
fn init_fails_with_the_runtimes_words() {
    assert_eq!(
        init(502, r#"{"a":1,"error":{"line":7}}"#),
        (Outcome::DeveloperError, r#"{"error":{"line":7}}"#.into())
    );
    for body in [r#"{"a":1}"#, "[1]", "1", "x"] {
        assert_eq!(init(500, body), mistake(&format!("The action failed during initialization: {body}")));
    }
    assert_eq!(init(502, ""), mistake("The action failed during initialization."));
    let exited = r#"{"error":"Cannot start action. Command exited abruptly during initialization."}"#;
    assert_eq!(init(502, exited), mistake("The action did not initialize and exited unexpectedly."));
}

#[test]
fn too_large_an_answer_to_init_is_the_developers_error() {
    for status in [200, 502] {
        let text = "The action produced a response that exceeded the allowed length: 99 > 9 bytes. \
                    The truncated response was: abc";
        assert_eq!(over(of_init(&truncated(status, "abc"), LIMIT)), mistake(text));
    }
}

#[test]
fn objects_and_arrays_succeed_and_stay_as_they_are() {
    for body in ["{}", r#"{"a":1.0,"b":12345678901234567890}"#, "[1,2]", r#"{"x":{"error":1}}"#] {
        assert_eq!(run(200, body), (Outcome::Success, body.to_owned()));
    }
}

#[test]
fn an_error_member_is_an_application_error_and_all_that_is_kept() {
    let (outcome, result) = run(200, r#"{"a":1,"error":{"code":42}}"#);
    assert_eq!((outcome, result.as_str()), (Outcome::ApplicationError, r#"{"error":{"code":42}}"#));
    assert_eq!(run(200, r#"{"error":null}"#).0, Outcome::ApplicationError);
}

#[test]
fn an_error_is_found_in_odd_results_too() {
    for body in
        [r#"{"error":1,"error":2}"#, r#"{"\ud83d":1,"error":2}"#, r#"{"\udc00":"\ud83d","err\u006fr":2}"#]
    {
        assert_eq!(run(200, body), (Outcome::ApplicationError, r#"{"error":2}"#.into()), "{body}");
        assert_eq!(run(502, body), (Outcome::DeveloperError, r#"{"error":2}"#.into()), "{body}");
        assert_eq!(init(502, body), (Outcome::DeveloperError, r#"{"error":2}"#.into()), "{body}");
    }
}

#[test]
fn what_is_no_object_or_array_is_the_developers_error() {
    let invalid =
        |body| mistake(&format!("The action did not produce a valid JSON or JSON Array response: {body}"));
    for body in ["\"text\"", "1", "null", "true", "", "nope", "{"] {
        assert_eq!(run(200, body), invalid(body));
    }
    for body in ["x", r#"{"a":1}"#, "[1]"] {
        assert_eq!(run(400, body), invalid(body));
    }
    assert_eq!(run(502, r#"{"error":"boom"}"#), (Outcome::DeveloperError, r#"{"error":"boom"}"#.into()));
    let exited = mistake("The action did not produce a valid response and exited unexpectedly.");
    assert_eq!(run(400, r#"{"error":"command exited"}"#), exited);
}

#[test]
fn too_large_a_result_is_an_application_error_that_shows_its_beginning() {
    for status in [200, 502] {
        let Verdict::Over { response, timed_out: false } = of_run(&truncated(status, "{\"a\":\"xxx"), LIMIT)
        else {
            panic!()
        };
        assert_eq!(response.size, Some(99));
        let text = "The action produced a response that exceeded the allowed length: 99 > 9 bytes. \
                    The truncated response was: {\"a\":\"xxx";
        assert_eq!(told(response), (Outcome::ApplicationError, mistake(text).1));
    }
}

#[test]
fn time_decides_before_anything_else() {
    let late = |exchange: Exchange| Exchange { elapsed: LIMIT, ..exchange };
    let all = [answered(200, "{}"), answered(503, ""), truncated(200, "{"), ended(Reply::TimedOut)];
    for exchange in all.into_iter().map(late) {
        let Verdict::Over { response, timed_out: true } = of_run(&exchange, LIMIT) else { panic!() };
        assert_eq!(told(response), mistake("The action exceeded its time limits of 1000 milliseconds."));
        let Verdict::Over { response, timed_out: true } = of_init(&exchange, LIMIT) else { panic!() };
        let text = "The action exceeded its time limits of 1000 milliseconds during initialization.";
        assert_eq!(told(response), mistake(text));
    }
}

#[test]
fn a_container_that_says_503_or_was_never_reached_leaves_the_activation_unharmed() {
    assert_eq!(of_run(&answered(503, ""), LIMIT), Verdict::Elsewhere);
    assert_eq!(of_run(&answered(503, r#"{"error":"x"}"#), LIMIT), Verdict::Elsewhere);
    assert_eq!(of_init(&answered(503, ""), LIMIT), Verdict::Elsewhere);
    assert_eq!(of_run(&ended(Reply::NeverConnected { reason: String::new() }), LIMIT), Verdict::Elsewhere);
}

#[test]
fn a_process_that_had_ended_before_ran_nothing() {
    let exited = r#"{"error":"command exited"}"#;
    assert_eq!(of_run(&answered(500, exited), LIMIT), Verdict::Elsewhere);
    assert_eq!(of_init(&answered(500, exited), LIMIT), Verdict::Elsewhere);
    assert_eq!(run(502, exited), (Outcome::DeveloperError, exited.into()), "the action's own words");
}

#[test]
fn why_a_connection_broke_is_told_by_the_containers_state() {
    let lost = || ended(Reply::ConnectionLost { reason: String::new() });
    let never = ended(Reply::NeverConnected { reason: String::new() });
    for exchange in [lost(), never] {
        assert_eq!(of_init(&exchange, LIMIT), Verdict::Broken);
    }
    assert_eq!(of_run(&lost(), LIMIT), Verdict::Broken);
    let exhausted = mistake("The action exhausted its memory and was aborted.");
    assert_eq!(told(of_broken_init(ContainerState::OutOfMemory)), exhausted);
    assert_eq!(told(of_broken_run(ContainerState::OutOfMemory)), exhausted);
    for state in [ContainerState::Ended, ContainerState::Running] {
        let init = mistake("The action did not initialize and exited unexpectedly.");
        assert_eq!(told(of_broken_init(state)), init);
        let run = mistake("The action did not produce a valid response and exited unexpectedly.");
        assert_eq!(told(of_broken_run(state)), run);
    }
}

#[test]
fn what_had_no_container_says_why() {
    let failure = |developers| {
        let failure = StartFailure { message: "Failed to pull container image 'a/b'.".into(), developers };
        of_rejection(&Rejection::StartFailed(failure), LIMIT).outcome
    };
    assert_eq!([failure(true), failure(false)], [Outcome::DeveloperError, Outcome::InternalError]);
    let expired = of_rejection(&Rejection::Expired, Duration::from_secs(300));
    assert_eq!(
        told(expired),
        (
            Outcome::InternalError,
            Json::error("The action was not run: no container was free for it within 300 seconds.")
                .as_str()
                .to_owned()
        )
    );
}
