//! Activations and containers that go wrong, and that the next one works.

use std::time::Duration;

use whirl_containers::factory::{ContainerError, ContainerName};
use whirl_containers::scripted::{Fate, Outcome as Step, Script, ScriptedReply};
use whirl_model::{Action, ActionLimits, Exec, Outcome};

use crate::world::{Setting, World, annotation, eventually, result};

/// Replies so to the first `/run`, and well to those after it.
fn first(reply: ScriptedReply) -> Script {
    Script::default().on_run(move |request| match request.number {
        0 if request.body["value"]["first"] == true => reply.clone(),
        _ => ScriptedReply::ok("{}"),
    })
}

/// The first call ends so, its container is gone, and the next call works in another one.
async fn breaks(script: Script, outcome: Outcome, text: &str) {
    let mut world = World::scripted(script).await;
    let mut action = world.action("bad");
    action.limits = ActionLimits { timeout: 500, ..action.limits };
    let record = world.invoke(&action, r#"{"first":true}"#).await;
    assert_eq!(record.response.outcome, outcome);
    assert!(result(&record).contains(text), "{}", result(&record));
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
    eventually("the removal", async || (world.factory.containers().len() == 1).then_some(())).await;
    assert_eq!(world.stored(record.activation_id).await.response, record.response);
}

#[tokio::test]
async fn a_container_that_ends_in_mid_run() {
    let text = "The action did not produce a valid response and exited unexpectedly.";
    breaks(first(ScriptedReply::none(Fate::Dies)), Outcome::DeveloperError, text).await;
}

#[tokio::test]
async fn a_container_that_uses_up_its_memory() {
    let text = "The action exhausted its memory and was aborted.";
    breaks(first(ScriptedReply::none(Fate::RunsOutOfMemory)), Outcome::DeveloperError, text).await;
}

#[tokio::test]
async fn an_action_that_takes_too_long() {
    let reply = ScriptedReply::ok("{}").after(Duration::from_secs(10));
    breaks(first(reply), Outcome::DeveloperError, "exceeded its time limits of 500 milliseconds.").await;
}

#[tokio::test]
async fn an_answer_that_is_no_object() {
    breaks(first(ScriptedReply::ok("1")), Outcome::DeveloperError, "did not produce a valid JSON").await;
}

#[tokio::test]
async fn code_that_cannot_be_initialised() {
    let script = Script::default().on_init(|request| match request.container.as_str() {
        "whirl_test_0_nodejs-20" => ScriptedReply::new(502, r#"{"error":"Initialization has failed"}"#),
        _ => ScriptedReply::ok("{}").silent(),
    });
    breaks(script, Outcome::DeveloperError, "Initialization has failed").await;
}

#[tokio::test]
async fn a_container_that_dies_while_it_takes_code() {
    let script = Script::default().on_init(|request| match request.container.as_str() {
        "whirl_test_0_nodejs-20" => ScriptedReply::none(Fate::Dies),
        _ => ScriptedReply::ok("{}").silent(),
    });
    breaks(script, Outcome::DeveloperError, "did not initialize and exited unexpectedly").await;
}

#[tokio::test]
async fn a_timeout_says_so_in_its_annotation() {
    let mut world = World::scripted(first(ScriptedReply::ok("{}").after(Duration::from_secs(10)))).await;
    let mut action = world.action("slow");
    action.limits = ActionLimits { timeout: 200, ..action.limits };
    let record = world.invoke(&action, r#"{"first":true}"#).await;
    assert_eq!(annotation(&record, "timeout").unwrap(), "true");
}

#[tokio::test]
async fn too_large_a_result_is_cut_and_the_container_lives() {
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(2 << 20));
    let mut world = World::scripted(first(ScriptedReply::ok(large))).await;
    let action = world.action("large");
    let record = world.invoke(&action, r#"{"first":true}"#).await;
    assert_eq!(record.response.outcome, Outcome::ApplicationError);
    let text = r#"{"error":"The action produced a response that exceeded the allowed length: 2097160 > 1048576 bytes. The truncated response was: {\"x\":\"yyy"#;
    assert!(result(&record).starts_with(text), "{}", &result(&record)[..200]);
    world.invoke(&action, "{}").await;
    assert_eq!(world.counts()[0], 1);
}

#[tokio::test]
async fn a_container_that_died_idle_harms_nobody() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    world.invoke(&action, "{}").await;
    world.factory.crash(&ContainerName::new("whirl_test_0_nodejs-20"));
    eventually("its end to be noticed", async || (world.idle() == 0).then_some(())).await;
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_the_developers_error() {
    let script = Script::default().on_provide(|image| {
        let source = std::io::Error::other("no such image").into();
        Step::fails(ContainerError::Pull { image: image.clone(), source })
    });
    let mut world = World::scripted(script).await;
    let image = "me/mine".parse().unwrap();
    let exec = Exec::Blackbox { image, code: None, main: None };
    let action = Action { exec, ..world.action("hello") };
    let record = world.invoke(&action, "{}").await;
    assert_eq!(record.response.outcome, Outcome::DeveloperError);
    assert_eq!(result(&record), r#"{"error":"Failed to pull container image 'me/mine'."}"#);
    assert_eq!(world.counts()[0], 0);
    assert_eq!(annotation(&record, "kind").unwrap(), r#""blackbox""#);
    assert!(annotation(&record, "limits").unwrap().contains(r#""timeout""#));
    assert_eq!(annotation(&record, "initTime"), None);
}

#[tokio::test]
async fn an_engine_that_fails_is_the_platforms_error() {
    let script = Script::default().on_create(|spec| {
        let source = std::io::Error::other("broken").into();
        Step::fails(ContainerError::Engine { operation: "start", name: spec.name.clone(), source })
    });
    let mut world = World::scripted(script).await;
    let action = world.action("hello");
    let record = world.invoke(&action, "{}").await;
    assert_eq!(record.response.outcome, Outcome::InternalError);
    assert_eq!(result(&record), r#"{"error":"Failed to provision resources to run the action."}"#);
}

#[tokio::test]
async fn an_action_that_was_deleted_meanwhile() {
    let mut world = World::scripted(Script::default()).await;
    let action = world.action("hello");
    let message = world.message(&action, "{}").await;
    world.stores.entities.delete(&action.doc_id(), &message.revision).await.unwrap();
    world.publish(message).await;
    let record = world.answer().await;
    assert_eq!(record.response.outcome, Outcome::ApplicationError);
    assert!(result(&record).contains("may have been deleted"));
}

#[tokio::test]
async fn logs_that_are_too_long_are_cut_and_cost_the_container() {
    let words = format!("{}\n", "x".repeat(1000)).repeat(1100);
    let script = first(ScriptedReply::ok("{}").writing(&words, ""));
    let mut world = World::scripted(script).await;
    let mut action = world.action("loud");
    action.limits = ActionLimits { logs: 1, ..action.limits };
    let record = world.invoke(&action, r#"{"first":true}"#).await;
    assert_eq!(record.response.outcome, Outcome::Success);
    let stored = world.stored(record.activation_id).await;
    let last = stored.logs.last().unwrap();
    assert!(
        last.ends_with(
            "Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes."
        )
    );
    eventually("the removal", async || world.factory.containers().is_empty().then_some(())).await;
    assert_eq!(world.invoke(&action, "{}").await.response.outcome, Outcome::Success);
}

/// What a process that was killed left behind is seen to by the next one.
#[tokio::test]
async fn an_activation_that_may_have_started_is_not_run_again_unless_it_wants_to() {
    let script = Script::default().on_run(|_| ScriptedReply::ok("{}").after(Duration::from_secs(60)));
    let world = World::scripted(script).await;
    let lost = world.action("lost");
    let mut again = world.action("again");
    again.annotations.set("retry-on-loss", whirl_model::Json::of(&true));
    let (first, second) = (world.message(&lost, "{}").await, world.message(&again, "{}").await);
    let ids = [world.publish(first).await, world.publish(second).await];
    let ids = ids.map(|id| (world.caller.namespace.clone(), id));
    eventually("both runs", async || (world.counts()[2] == 2).then_some(())).await;
    let folder = world.folder();
    // The tasks of the old world go with it, as those of a killed process would.
    drop(world);
    let copy = copy_of(folder.path());
    let next = World::start(Setting { folder: copy.into(), ..Setting::default() }).await;
    let records = eventually("the records", async || {
        let found = next.stores.activations.existing(&ids).await.unwrap();
        (found.len() == 2).then_some(found)
    });
    records.await;
    assert_eq!(next.counts()[2], 1);
    eventually("the container", async || (next.idle() == 1).then_some(())).await;
}

/// The files as they are at this moment: what a kill would leave.
pub(crate) fn copy_of(folder: &std::path::Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("journal")).unwrap();
    for part in ["", "journal"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), copy.path().join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    copy
}
