//! The factory before an engine that stops answering, or answers late. What it does with a real one is shown in `tests/docker`.

mod fake;

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use self::fake::FakeEngine;
use super::DockerFactory;
use super::watch::Pace;
use crate::factory::{ContainerError, ContainerFactory as _, ContainerImage, ContainerName, ContainerSpec};

const PATIENCE: Duration = Duration::from_secs(60);

/// So that a test need not wait for what takes seconds.
const PACE: Pace = Pace {
    while_sound: Duration::from_millis(20),
    while_in_doubt: Duration::from_millis(10),
    limit: Duration::from_millis(500),
};

async fn factory(engine: &FakeEngine) -> DockerFactory {
    DockerFactory::connect_at(&engine.options(), PACE).await.unwrap()
}

fn spec(name: &str) -> ContainerSpec {
    let kind = whirl_model::Kind::new("a:1");
    ContainerSpec {
        name: ContainerName::new(name),
        image: ContainerImage::Runtime { kind, image: "a/b:1".parse().unwrap() },
        memory: 256,
        cpu: None,
        gpus: Vec::new(),
        env: Default::default(),
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap()
}

#[tokio::test]
async fn an_engine_that_hangs_is_told_and_believed_again_when_it_answers() {
    let engine = FakeEngine::start();
    let factory = factory(&engine).await;
    assert_eq!(factory.trouble(), None);

    engine.hang(true);
    until("it is noticed", || factory.trouble().is_some()).await;
    let trouble = factory.trouble().unwrap();
    assert!(trouble.starts_with("the container engine has not answered for "), "{trouble}");
    let name = ContainerName::new("any");
    let errors = [
        soon(factory.create(&spec("late"))).await.map(|_| ()).unwrap_err(),
        soon(factory.destroy(&name)).await.unwrap_err(),
        soon(factory.pause(&name)).await.unwrap_err(),
        soon(factory.state(&name)).await.map(|_| ()).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ContainerError::Silent { .. }) && !error.is_developers(), "{error:?}");
    }
    engine.hang(false);
    until("it is believed again", || factory.trouble().is_none()).await;
    soon(factory.destroy(&name)).await.unwrap();
    assert_eq!(engine.names(), [""; 0], "what was refused was not asked for");
}

#[tokio::test]
async fn what_an_engine_that_hung_makes_late_is_removed() {
    let engine = FakeEngine::start();
    let factory = factory(&engine).await;
    engine.hang(true);
    let spec = spec("late");
    let (outcome, ()) = soon(async { tokio::join!(factory.create(&spec), engine.asked_to_create(1)) }).await;
    let error = outcome.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::Silent { .. }), "{error:?}");

    engine.hang(false);
    until("it was made and is gone", || factory.strays.names().is_empty()).await;
    assert_eq!(engine.names(), [""; 0]);
}

#[tokio::test]
async fn a_creation_that_nobody_waits_for_any_more_leaves_nothing() {
    let engine = FakeEngine::start();
    let factory = factory(&engine).await;
    engine.hang(true);
    let spec = spec("dropped");
    tokio::select! {
        _ = factory.create(&spec) => panic!("it cannot be made yet"),
        () = engine.asked_to_create(1) => {}
    }
    assert_eq!(factory.strays.names(), std::slice::from_ref(&spec.name));
    engine.hang(false);
    until("it was made and is gone", || factory.strays.names().is_empty()).await;
    assert_eq!(engine.names(), [""; 0]);
}

#[tokio::test]
async fn what_came_up_late_gives_way_to_the_container_that_is_wanted() {
    let engine = FakeEngine::start();
    let factory = factory(&engine).await;
    engine.make("late");
    let error = soon(factory.create(&spec("late"))).await.map(|_| ()).unwrap_err();
    // It was made anew; that it cannot be used is this engine's fault.
    assert!(matches!(error, ContainerError::Engine { operation: "attach to", .. }), "{error:?}");
    assert_eq!((engine.creations(), engine.names()), (2, vec![]));
}

#[tokio::test]
async fn a_name_that_the_engine_gives_to_nobody_else_later_is_looked_after() {
    let engine = FakeEngine::start();
    let factory = factory(&engine).await;
    engine.take("late");
    let error = soon(factory.create(&spec("late"))).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::Engine { operation: "create", .. }), "{error:?}");
    assert_eq!(engine.taken(), ["late"], "it may be somebody else's");
    engine.make("late");
    until("what the engine made is gone", || factory.strays.names().is_empty()).await;
    assert_eq!((engine.names(), engine.taken()), (vec![], vec!["late".to_owned()]));
}

#[tokio::test]
async fn a_pull_that_nobody_waits_for_any_more_comes_to_its_end() {
    let engine = FakeEngine::start();
    let factory = factory(&engine).await;
    let image = "a/b:latest".parse().unwrap();
    engine.let_pulls_last(true);
    tokio::select! {
        _ = factory.images.provide(&image) => panic!("it cannot be there yet"),
        () = engine.asked_to_pull(1) => {}
    }
    engine.let_pulls_last(false);
    soon(engine.pulls_read(1)).await;
    // Whoever comes after its end has another one, and not what became of that.
    let next = async {
        while engine.pulls() < 2 {
            factory.images.provide(&image).await.unwrap();
        }
    };
    soon(next).await;
}
