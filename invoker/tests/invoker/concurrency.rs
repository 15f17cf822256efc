//! Several activations at once in one container: what the image is asked and says, and whose the logs are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use whirl_containers::factory::ContainerName;
use whirl_containers::scripted::{Call, Fate, Script, ScriptedReply, ScriptedRequest};
use whirl_model::limits::{LimitBounds, Range};
use whirl_model::{Action, ActionLimits, ActivationId, Outcome};

use crate::world::{Setting, World, eventually, result};

const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
const A_WHILE: Duration = Duration::from_millis(200);

async fn world(script: Script) -> World {
    let bounds = LimitBounds { concurrency: Range { min: 1, max: 10 }, ..LimitBounds::default() };
    World::start(Setting { script, bounds, ..Setting::default() }).await
}

/// An action that may run five times at once in one container.
fn shared(world: &World) -> Action {
    let action = world.action("shared");
    Action { limits: ActionLimits { concurrency: 5, ..action.limits.clone() }, ..action }
}

/// Has a container ready, then publishes five activations, with the arguments `{"n":0}` to `{"n":4}`, and waits for all
/// answers.
async fn five(world: &mut World, action: &Action) -> Vec<ActivationId> {
    world.invoke(action, r#"{"n":9}"#).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let message = world.message(action, &format!(r#"{{"n":{n}}}"#)).await;
        ids.push(world.publish(message).await);
    }
    for _ in &ids {
        world.answer().await;
    }
    ids
}

/// A script whose image begins its lines with the word that it was given.
fn tagging(reply: impl Fn(&ScriptedRequest, &str) -> ScriptedReply + Send + Sync + 'static) -> Script {
    let words = Arc::new(Mutex::new(HashMap::<ContainerName, String>::new()));
    let known = Arc::clone(&words);
    let init = move |request: &ScriptedRequest| {
        let word = request.body["value"]["tagLogs"].as_str().expect("a word").to_owned();
        words.lock().unwrap().insert(request.container.clone(), word);
        ScriptedReply::ok(r#"{"ok":true,"tagsLogs":true}"#).silent()
    };
    let run = move |request: &ScriptedRequest| {
        let word = known.lock().unwrap()[&request.container].clone();
        reply(request, &format!("{word} {} ", request.body["activation_id"].as_str().unwrap()))
    };
    Script::default().on_init(init).on_run(run)
}

#[tokio::test]
async fn activations_that_share_a_container_have_their_own_logs() {
    let script = tagging(|request, tag| {
        let n = &request.body["value"]["n"];
        let (out, err) =
            (format!("{tag}out {n}\n{tag}more\n{tag}{MARK}\n"), format!("{tag}err {n}\n{tag}{MARK}\n"));
        ScriptedReply::ok(request.body["value"].to_string()).silent().writing(&out, &err).after(A_WHILE)
    });
    let mut world = world(script).await;
    let action = shared(&world);
    for (n, id) in five(&mut world, &action).await.into_iter().enumerate() {
        let stored = world.stored(id).await;
        assert_eq!(result(&stored), format!(r#"{{"n":{n}}}"#));
        let mut lines: Vec<_> = stored.logs.iter().map(|line| &line[31..]).collect();
        lines.sort_unstable();
        assert_eq!(lines, [&*format!("stderr: err {n}"), "stdout: more", &format!("stdout: out {n}")]);
    }
    assert_eq!((&world.counts()[1..3], world.idle()), (&[1, 6][..], 1), "one container ran all, and is kept");
}

#[tokio::test]
async fn an_image_that_does_not_tag_records_no_logs_and_is_kept() {
    let script = Script::default()
        .on_init(|_| ScriptedReply::ok(r#"{"OK":true}"#).silent())
        .on_run(|_| ScriptedReply::ok("{}").writing("whose?\n", "").after(A_WHILE));
    let mut world = world(script).await;
    let action = shared(&world);
    for id in five(&mut world, &action).await {
        let stored = world.stored(id).await;
        assert_eq!(stored.response.outcome, Outcome::Success);
        let [line] = &stored.logs[..] else { panic!("{:?}", stored.logs) };
        let note = "stderr: Logs of activations that share a container are not recorded: the image does not say \
                    whose a line is.";
        assert_eq!(&line[31..], note);
    }
    assert_eq!((&world.counts()[1..3], world.idle()), (&[1, 6][..], 1));
}

#[tokio::test]
async fn an_image_that_takes_one_at_a_time_gets_one_at_a_time() {
    let runs = Arc::new(Mutex::new(HashMap::<ContainerName, Vec<Instant>>::new()));
    let seen = Arc::clone(&runs);
    let script = Script::default()
        .on_init(|_| ScriptedReply::ok(r#"{"ok":true,"concurrent":false}"#).silent())
        .on_run(move |request| {
            seen.lock().unwrap().entry(request.container.clone()).or_default().push(Instant::now());
            let said = format!("{}\n", request.body["value"]["n"]);
            ScriptedReply::ok("{}").writing(&said, "").after(A_WHILE)
        });
    let mut world = world(script).await;
    let action = shared(&world);
    for (n, id) in five(&mut world, &action).await.into_iter().enumerate() {
        let logs = world.stored(id).await.logs;
        assert_eq!(logs.iter().map(|line| &line[31..]).collect::<Vec<_>>(), [format!("stdout: {n}")]);
    }
    for begun in runs.lock().unwrap().values() {
        assert!(begun.windows(2).all(|pair| pair[1] - pair[0] >= A_WHILE), "two at once");
    }
}

#[tokio::test]
async fn a_container_that_dies_ends_all_that_share_it() {
    let script = tagging(|request, _| match request.body["value"]["n"].as_u64() {
        Some(3) => ScriptedReply::none(Fate::Dies).after(A_WHILE),
        Some(9) => ScriptedReply::ok("{}"),
        _ => ScriptedReply::ok("{}").after(Duration::from_secs(60)),
    });
    let mut world = world(script).await;
    let action = shared(&world);
    for id in five(&mut world, &action).await {
        let stored = world.stored(id).await;
        assert_eq!(stored.response.outcome, Outcome::DeveloperError);
        assert!(result(&stored).contains("exited unexpectedly"), "{}", result(&stored));
        assert_eq!(stored.logs.len(), 1, "{:?}", stored.logs);
    }
    assert_eq!(world.invoke(&action, r#"{"n":9}"#).await.response.outcome, Outcome::Success);
    eventually("the removal", async || (world.counts()[5] == 1).then_some(())).await;
}

#[tokio::test]
async fn nobody_is_asked_for_tags_who_runs_one_at_a_time() {
    let mut world = world(Script::default()).await;
    let action = world.action("alone");
    world.invoke(&action, "{}").await;
    let inits = world.factory.calls().into_iter().filter_map(|call| match call {
        Call::Init(_, body) => Some(body),
        _ => None,
    });
    assert!(inits.map(|body| body["value"].get("tagLogs").cloned()).eq([None]));
}
