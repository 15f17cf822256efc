//! The conformance cases against the Docker images, and what only an image can show. Without Docker or the images
//! each case says so and passes, unless `WHIRL_TEST_DOCKER=1` makes their absence a failure.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod on_docker;
#[cfg(test)]
mod support;

use std::time::{Duration, Instant};

use on_docker::with;
use support::container::Language;

#[test]
fn node_has_the_openwhisk_module() {
    with(Language::Node, &[("__OW_API_HOST", "http://127.0.0.1:1")], |mut container| {
        container.init_source(
            "function main() { return { has: typeof require('openwhisk')({ api_key: 'a:b' }).actions.invoke } }",
        );
        assert_eq!(container.run_ok("{}")["has"], "function");
        let streams = container.finish(1);
        assert_eq!(streams.out, "");
    });
}

#[test]
fn actions_are_not_root() {
    for language in [Language::Node, Language::Python] {
        with(language, &[], |mut container| {
            container.init_source(match language {
                Language::Node => "function main() { return { uid: process.getuid() } }",
                Language::Python => "import os\ndef main(args):\n    return {'uid': os.getuid()}\n",
            });
            assert_ne!(container.run_ok("{}")["uid"], 0);
        });
    }
}

#[test]
fn processes_that_an_action_leaves_behind_are_collected() {
    with(Language::Node, &[], |mut container| {
        container.init_source(
            "const fs = require('fs');
             let left;
             function main(args) {
                 if (args.leave) {
                     const shell = 'sleep 600 > /dev/null 2>&1 & echo $!';
                     left = Number(require('child_process').execSync(shell).toString());
                 }
                 if (args.kill) process.kill(left, 'SIGKILL');
                 return { isThere: fs.existsSync(`/proc/${left}`) };
             }",
        );
        assert_eq!(container.run_ok(r#"{"value":{"leave":true}}"#)["isThere"], true);
        let deadline = Instant::now() + Duration::from_secs(20);
        // What was killed is there until somebody collects it.
        container.run_ok(r#"{"value":{"kill":true}}"#);
        while container.run_ok("{}")["isThere"] != false {
            assert!(Instant::now() < deadline, "the process that was left behind is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}
