//! Bad actions harm nobody but themselves: whatever user code does, its activation ends in the right record, its
//! container goes if it has to, and the next call works. Bad *requests* are in `bad_input.rs`, bad images
//! in `bad_images.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use whirl_system_tests::{Action, Shared, World, eventually};

static WORLD: Shared = Shared::new();

const OUT_OF_MEMORY: &str = "The action exhausted its memory and was aborted.";
const LOGS_MISSING: &str =
    "stderr: The action did not initialize or run as expected. Log data might be missing.";

fn world() -> Option<Arc<World>> {
    WORLD.join(World::start)
}

/// The same deed in both languages; each takes `{"do": true}` to do it and else answers `{"fine": true}`.
fn both<'w>(world: &'w World, name: &str, node: &str, python: &str) -> [Action<'w>; 2] {
    [world.action(name).node(&in_node(node)).create(), world.action(name).python(&in_python(python)).create()]
}

fn in_node(deed: &str) -> String {
    format!("function main(p) {{ if (p.do) {{ {deed} }} return {{fine: true}} }}")
}

fn in_python(deed: &str) -> String {
    let deed = deed.replace('\n', "\n  ");
    format!(
        "import os, sys, time, subprocess\ndef main(p):\n if p.get('do'):\n  {deed}\n return {{'fine': True}}\n"
    )
}

/// The action still works for the next caller, in a container that is not the one that broke.
#[track_caller]
fn works_afresh(action: &Action<'_>) {
    let next = action.invoke_blocking(&json!({}));
    assert_eq!(next.succeeded(), &json!({"fine": true}));
    assert!(next.is_cold(), "the broken container is not used again: {}", next.0);
}

#[test]
fn a_crash_is_the_developers_error() {
    let Some(world) = world() else { return };
    for action in both(
        &world,
        "crash",
        "console.log('last words'); process.exit(3)",
        "print('last words', flush=True); os._exit(3)",
    ) {
        for warm in [false, true] {
            let record = action.invoke_blocking(&json!({"do": true}));
            // The words are the runtime's own, who outlives its launcher.
            assert!(record.developers_error().contains("exited"), "warm: {warm}: {}", record.0);
            let stored = world.record_with_logs(record.id(), 1);
            assert_eq!(stored.status(), "action developer error");
            assert_eq!(stored.printed()[0], "stdout: last words");
            works_afresh(&action);
        }
    }
}

#[test]
fn what_is_thrown_is_an_error_of_the_action() {
    let Some(world) = world() else { return };
    for action in both(&world, "throw", "throw new Error('thrown')", "raise Exception('thrown')") {
        let record = action.invoke_blocking(&json!({"do": true}));
        assert!(
            record.error().contains("An error has occurred") || record.error().contains("thrown"),
            "{}",
            record.0
        );
        assert_ne!(record.status(), "success");
        assert_eq!(action.invoke_blocking(&json!({})).succeeded(), &json!({"fine": true}));
        let logs = world.record_with_logs(record.id(), 1);
        assert!(logs.printed().iter().any(|line| line.contains("thrown")), "{:?}", logs.printed());
    }
    let rejected =
        world.action("reject").node("function main() { return Promise.reject({code: 7}) }").create();
    let record = rejected.invoke_blocking(&json!({}));
    assert_eq!((record.status(), record.result()), ("application error", &json!({"error": {"code": 7}})));
}

#[test]
fn a_run_past_its_limit_is_cut() {
    let Some(world) = world() else { return };
    let actions = [
        world.action("hang").node(&in_node("for (;;) {}")).limit("timeout", 5_000).create(),
        world.action("hang").node(&in_node("return new Promise(() => {})")).limit("timeout", 5_000).create(),
        world.action("hang").python(&in_python("time.sleep(60)")).limit("timeout", 5_000).create(),
    ];
    for action in actions {
        assert_eq!(action.invoke_blocking(&json!({})).succeeded(), &json!({"fine": true}));
        let before = ids_of(&world);
        let began = Instant::now();
        let record = action.invoke_blocking(&json!({"do": true}));
        assert!(began.elapsed() < Duration::from_secs(55), "it did not run to its end");
        assert_eq!(record.developers_error(), "The action exceeded its time limits of 5000 milliseconds.");
        assert_eq!(record.annotation("timeout"), Some(&json!(true)));
        assert!(record.0["duration"].as_u64().unwrap() >= 5_000);
        assert_eq!(world.record_with_logs(record.id(), 1).printed(), [LOGS_MISSING]);
        if !before.is_empty() {
            eventually("the container's end", || {
                let now = ids_of(&world);
                before.iter().any(|id| !now.contains(id)).then_some(())
            });
        }
        works_afresh(&action);
    }
}

/// The containers of the platform's process, if it is ours.
fn ids_of(world: &World) -> Vec<String> {
    world.own_server().map(|server| server.containers_left()).unwrap_or_default()
}

#[test]
fn an_initialisation_has_its_limit_too() {
    let Some(world) = world() else { return };
    let node = world.action("init-hang").node("for (;;) {}").limit("timeout", 700).create();
    let python = world.action("init-hang").python("while True: pass\n").limit("timeout", 700).create();
    for action in [node, python] {
        let record = action.invoke_blocking(&json!({}));
        let text = "The action exceeded its time limits of 700 milliseconds during initialization.";
        assert_eq!(record.developers_error(), text);
        assert_eq!(record.annotation("timeout"), Some(&json!(true)));
        assert!(record.is_cold());
        let mended =
            json!({"exec": {"kind": "nodejs:20", "code": in_node("")}, "limits": {"timeout": 60_000}});
        world.put(&format!("{}?overwrite=true", action.path()), &mended).ok();
        works_afresh(&action);
    }
}

#[test]
fn an_initialisation_that_fails_says_so() {
    let Some(world) = world() else { return };
    for action in [
        world.action("init-exit").node("process.exit(1)").create(),
        world.action("init-exit").python("import os\nos._exit(1)\n").create(),
        world.action("syntax").node("function main( {").create(),
        world.action("syntax").python("def main(:\n").create(),
        world.action("no-main").node("function other() { return {} }").create(),
        world.action("no-main").python("def other(p):\n return {}\n").create(),
        world.action("empty").node(" ").create(),
        world.action("empty").python("# nothing\n").create(),
        world.action("throws").node("throw new Error('at once')").create(),
        world.action("throws").python("raise Exception('at once')\n").create(),
    ] {
        let record = action.invoke_blocking(&json!({}));
        let text = record.developers_error();
        assert!(!text.is_empty(), "{} says what is wrong: {}", action.name, record.0);
        assert!(record.is_cold());
        action.update_node(&in_node(""));
        works_afresh(&action);
    }
    let empty = world.action("none").node("").put();
    if empty.status != 200 {
        empty.refused(400);
    }
}

#[test]
fn a_flood_of_logs_is_cut_and_does_not_fill_the_memory() {
    let Some(world) = world() else { return };
    let node = "const line = 'x'.repeat(1023); for (let i = 0; i < 102400; i++) console.log(line)";
    let python = "line = 'x' * 1023 + '\\n'\nfor i in range(102400): sys.stdout.write(line)";
    world.works();
    for action in both(&world, "flood", node, python) {
        let before = world.own_server().map(|server| server.resident_kibibytes().0);
        let record = action.invoke_blocking(&json!({"do": true}));
        assert_eq!(record.succeeded(), &json!({"fine": true}));
        let stored = eventually("the cut log", || {
            world.record_now(record.id()).filter(|r| r.logs().last().is_some_and(|l| l.contains("truncated")))
        });
        let last = stored.printed().pop().unwrap();
        let text =
            "stderr: Logs were truncated because the total bytes size exceeds the limit of 10485760 bytes.";
        assert_eq!(last, text);
        let bytes: usize = stored.printed().iter().map(|line| line.len()).sum();
        assert!((8 << 20..=11 << 20).contains(&bytes), "{bytes} bytes are kept of at most 10 MB");
        if let (Some(before), Some(server)) = (before, world.own_server()) {
            let most = server.resident_kibibytes().1;
            assert!(most < before + 200 * 1024, "memory grew from {before} to {most} KiB");
        }
        let next = action.invoke_blocking(&json!({}));
        assert_eq!(next.succeeded(), &json!({"fine": true}));
        assert_eq!(world.record(next.id()).logs(), [""; 0], "nothing of the flood is left over");
    }
}

#[test]
fn a_line_without_an_end_is_a_line() {
    let Some(world) = world() else { return };
    let actions = both(&world, "unended", "process.stdout.write('no end')", "sys.stdout.write('no end')");
    for action in actions {
        for _ in 0..2 {
            let record = action.invoke_blocking(&json!({"do": true}));
            assert_eq!(record.succeeded(), &json!({"fine": true}));
            assert_eq!(world.record_with_logs(record.id(), 1).printed(), ["stdout: no end"]);
        }
    }
}

#[test]
fn the_end_mark_from_an_action_ends_no_log() {
    let Some(world) = world() else { return };
    let mark = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
    let node = format!(
        "if (p.say) console.log(p.say); \
         else {{ console.log('{mark}'); console.error('{mark}'); console.log('after the mark') }}"
    );
    let python = format!(
        "if p.get('say'): print(p['say'])\nelse:\n print('{mark}')\n print('{mark}', file=sys.stderr)\n print('after the mark')"
    );
    for action in both(&world, "mark", &node, &python) {
        // In its first call already, and without a pause between calls in which the log could come into step.
        for number in 0..20 {
            let record = action.invoke_blocking(&json!({"do": true}));
            let next = action.invoke_blocking(&json!({"do": true, "say": number.to_string()}));
            assert_eq!(world.record_with_logs(record.id(), 1).printed(), ["stdout: after the mark"]);
            let own = format!("stdout: {number}");
            assert_eq!(world.record_with_logs(next.id(), 1).printed(), [own.as_str()]);
        }
    }
}

#[test]
fn results_have_to_be_objects_or_arrays() {
    let Some(world) = world() else { return };
    for (node, python) in
        [("return 7", "return 7"), ("return 'text'", "return 'text'"), ("return true", "return True")]
    {
        for action in both(&world, "scalar", node, python) {
            let record = action.invoke_blocking(&json!({"do": true}));
            assert!(!record.developers_error().is_empty());
            let next = action.invoke_blocking(&json!({}));
            assert_eq!(next.succeeded(), &json!({"fine": true}));
        }
    }
    // Nothing at all is an empty object in Node.js, as everywhere in the field; Python's None is no answer.
    let nothing = world.action("nothing").node("function main() {}").create();
    assert_eq!(nothing.invoke_blocking(&json!({})).succeeded(), &json!({}));
    let nothing = world.action("nothing").python("def main(p):\n pass\n").create();
    assert_ne!(nothing.invoke_blocking(&json!({})).status(), "whisk internal error");
    let knot = world.action("knot").node("function main() { const a = {}; a.a = a; return a }").create();
    assert_ne!(knot.invoke_blocking(&json!({})).status(), "success");
}

#[test]
fn memory_has_its_limit() {
    let Some(world) = world() else { return };
    let node = "const all = []; for (;;) all.push(Buffer.alloc(4 << 20, 1))";
    let python = "all = []\nwhile True: all.append(b'x' * (4 << 20))";
    let actions = [
        world.action("memory").node(&in_node(node)).limit("memory", 128).create(),
        world.action("memory").python(&in_python(python)).limit("memory", 128).create(),
    ];
    for action in actions {
        for _ in 0..2 {
            let record = action.invoke_blocking(&json!({"do": true}));
            assert_eq!(record.developers_error(), OUT_OF_MEMORY);
            works_afresh(&action);
        }
    }
}

#[test]
fn children_that_outlive_their_call_disturb_nobody() {
    let Some(world) = world() else { return };
    let node = "require('child_process').spawn('sh', ['-c', 'sleep 1; echo late; sleep 300'], \
                {detached: true, stdio: 'inherit'}).unref()";
    let python = "subprocess.Popen(['sh', '-c', 'sleep 1; echo late; sleep 300'])";
    for action in both(&world, "children", node, python) {
        for _ in 0..3 {
            assert_eq!(action.invoke_blocking(&json!({"do": true})).succeeded(), &json!({"fine": true}));
        }
        assert_eq!(action.invoke_blocking(&json!({})).succeeded(), &json!({"fine": true}));
    }
}

#[test]
fn who_leaves_all_files_open_is_answered_again() {
    let Some(world) = world() else { return };
    let node = "const fs = require('fs'); try { for (;;) fs.openSync('/dev/null') } catch (e) { console.log(e.code) }";
    let action = world.action("files").node(&in_node(node)).create();
    let _fails_or_not = action.invoke_blocking(&json!({"do": true}));
    eventually("a fresh container, or one that goes on", || {
        let next = action.invoke_blocking(&json!({}));
        assert_ne!(next.status(), "whisk internal error", "{}", next.0);
        (next.status() == "success").then_some(())
    });
}
