//! Several activations at once in one container, on the real images: each record has its own result and its own lines.

use std::sync::Arc;

use serde_json::{Value, json};
use whirl_system_tests::{Action, Image, Record, ServerOptions, Shared, World};

const AT_ONCE: usize = 20;

static WORLD: Shared = Shared::new();

/// A platform where several may share a container. Nothing else is set for that. There is room for the containers of
/// all scenarios.
fn world() -> Option<Arc<World>> {
    let settings = "[controller.limits.concurrency]\nmax = 50\n[docker]\npull_missing_only = true\n";
    let options = ServerOptions::docker().memory(16_384).without_stem_cells().settings(settings);
    WORLD.join(|| World::start_process(options))
}

/// Has a container ready, then starts these runs in it without waiting for one before the next; their ids.
fn fire(action: &Action<'_>, arguments: impl IntoIterator<Item = Value>) -> Vec<String> {
    action.invoke_blocking(&json!({"alone": true})).succeeded();
    arguments.into_iter().map(|arguments| action.fire(&arguments)).collect()
}

/// What went to a stream, line by line.
fn said<'a>(record: &'a Record, stream: &str) -> Vec<&'a str> {
    record.printed().into_iter().filter_map(|line| line.strip_prefix(stream)?.strip_prefix(": ")).collect()
}

/// Runs wait for each other: none of them ends unless so many are under way in the same container.
const TOGETHER: &str = "
    const container = Math.random();
    const arrived = [];
    const together = (wanted) => new Promise((resolve) => {
        arrived.push(resolve);
        if (arrived.length === wanted) arrived.splice(0).forEach((go) => go());
    });
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));";

#[test]
fn twenty_runs_in_one_container_have_their_own_lines() {
    let Some(world) = world() else { return };
    let code = format!(
        "{TOGETHER}
        async function main({{ alone, name, wanted }}) {{
            if (alone) return {{}};
            console.log(name, 'begins');
            await together(wanted);
            for (let i = 0; i < 5; i += 1) {{
                process.stdout.write(`${{name}} says `);
                await sleep(Math.random() * 10);
                console.log(i);
                console.error(`${{name}} warns`, i);
            }}
            setTimeout(() => console.log(name, 'in a timer'), 0);
            await sleep(20);
            return {{ name, container }};
        }}"
    );
    let action = world.action("crowd").node(&code).limit("concurrency", AT_ONCE).create();
    let names: Vec<String> = (0..AT_ONCE).map(|number| format!("run-{number}")).collect();
    let ids = fire(&action, names.iter().map(|name| json!({"name": name, "wanted": AT_ONCE})));
    let mut containers = Vec::new();
    for (name, id) in names.iter().zip(&ids) {
        let record = world.record_with_logs(id, 12);
        assert_eq!(record.succeeded()["name"], **name);
        containers.push(record.succeeded()["container"].to_string());
        let mut out = vec![format!("{name} begins")];
        out.extend((0..5).map(|i| format!("{name} says {i}")));
        out.push(format!("{name} in a timer"));
        let err: Vec<String> = (0..5).map(|i| format!("{name} warns {i}")).collect();
        assert_eq!((said(&record, "stdout"), said(&record, "stderr")), (texts(&out), texts(&err)));
    }
    containers.dedup();
    assert_eq!(containers.len(), 1, "they shared a container");
    // It goes on to serve.
    let record = action.invoke_blocking(&json!({"name": "again", "wanted": 1}));
    assert_eq!(record.succeeded()["container"].to_string(), containers[0]);
    assert_eq!(world.record_with_logs(record.id(), 12).logs().len(), 12);
}

fn texts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

#[test]
fn python_runs_one_at_a_time_and_loses_nothing() {
    let Some(world) = world() else { return };
    let code = "import time
def main(args):
    print('hello', args.get('n'))
    time.sleep(0.2)
    print('bye', args.get('n'))
    return args
";
    let action = world.action("serial").python(code).limit("concurrency", 5).create();
    for (n, id) in fire(&action, (0..5).map(|n| json!({"n": n}))).iter().enumerate() {
        let record = world.record_with_logs(id, 2);
        assert_eq!(*record.succeeded(), json!({"n": n}));
        assert_eq!(record.printed(), [format!("stdout: hello {n}"), format!("stdout: bye {n}")]);
    }
}

/// Attends to several requests at once and knows nothing of tags.
const SERVER: &str = r#"
import http.server, json, threading
barrier = threading.Barrier(5)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/run":
            print("whose line is this?", flush=True)
            if "n" in body["value"]: barrier.wait(30)
        answer = json.dumps({"OK": True} if self.path == "/init" else body["value"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"#;

#[test]
fn an_image_that_does_not_tag_its_lines_has_no_logs_and_says_so() {
    let Some(world) = world() else { return };
    let image = Image::running("untagged", SERVER);
    let exec = json!({"kind": "blackbox", "image": image.name});
    let action = world.action("untagged").exec(exec).limit("concurrency", 5).create();
    for _ in 0..2 {
        for (n, id) in fire(&action, (0..5).map(|n| json!({"n": n}))).iter().enumerate() {
            let record = world.record_with_logs(id, 1);
            assert_eq!(*record.succeeded(), json!({"n": n}));
            let note = "stderr: Logs of activations that share a container are not recorded: the image does not \
                        say whose a line is.";
            assert_eq!(record.printed(), [note]);
            assert!(!record.is_cold(), "the container was not given up for its silence");
        }
    }
}

#[test]
fn one_that_goes_wrong_is_alone_unless_it_ends_the_process() {
    let Some(world) = world() else { return };
    let code = format!(
        "{TOGETHER}
        async function main({{ alone, how, wanted }}) {{
            if (alone) return {{}};
            console.log(how);
            await together(wanted);
            if (how === 'throws') setTimeout(() => {{ throw new Error('thrown in a timer') }});
            if (how === 'exits') process.exit(1);
            await sleep(200);
            return {{ how, container }};
        }}"
    );
    let action = world.action("wrong").node(&code).limit("concurrency", 3).create();
    let run = |how: [&str; 3]| fire(&action, how.map(|how| json!({"how": how, "wanted": 3})));
    let ids = run(["fine", "throws", "well"]);
    let records: Vec<_> = ids.iter().map(|id| world.record_with_logs(id, 1)).collect();
    assert_eq!(
        (&records[0].succeeded()["how"], &records[2].succeeded()["how"]),
        (&json!("fine"), &json!("well"))
    );
    assert_eq!(records[1].developers_error(), "An error has occurred: Error: thrown in a timer");
    assert_eq!((records[0].printed(), records[2].printed()), (vec!["stdout: fine"], vec!["stdout: well"]));
    assert!(said(&records[1], "stderr").iter().any(|line| line.contains("thrown in a timer")));
    for (how, id) in ["some", "exits", "others"].iter().zip(run(["some", "exits", "others"])) {
        let record = world.record_with_logs(&id, 1);
        let text = "The action did not produce a valid response and exited unexpectedly.";
        assert_eq!(record.developers_error(), text);
        assert_eq!(said(&record, "stdout"), [*how]);
    }
    let last = run(["a", "b", "c"]);
    for (how, id) in ["a", "b", "c"].iter().zip(last) {
        assert_eq!(world.record(&id).succeeded()["how"], **how);
    }
}

#[test]
fn one_that_says_too_much_costs_the_container_and_nobody_a_line() {
    let Some(world) = world() else { return };
    let code = format!(
        "{TOGETHER}
        async function main({{ alone, loud, wanted }}) {{
            if (alone) return {{}};
            await together(wanted);
            for (let i = 0; i < (loud ? 20000 : 100); i += 1) {{
                console.log(`${{i}} ${{'x'.repeat(90)}}`);
                if (i % 100 === 0) await sleep(1);
            }}
            return {{ container }};
        }}"
    );
    let action = world.action("loud").node(&code).limit("concurrency", 2).limit("logs", 1).create();
    let ids = fire(&action, [true, false].map(|loud| json!({"loud": loud, "wanted": 2})));
    let [loud, quiet] = [&ids[0], &ids[1]].map(|id| world.record_with_logs(id, 100));
    let warning = "Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes.";
    assert_eq!(loud.printed().last(), Some(&&*format!("stderr: {warning}")));
    let kept = said(&loud, "stdout");
    let bytes: usize = kept.iter().map(|line| line.len() + 1).sum();
    assert!(bytes <= 1 << 20 && bytes + 97 > 1 << 20, "{bytes} bytes were kept");
    let expected: Vec<String> = (0..100).map(|i| format!("{i} {}", "x".repeat(90))).collect();
    assert_eq!(said(&quiet, "stdout"), texts(&expected));
    let next = action.invoke_blocking(&json!({"loud": false, "wanted": 1}));
    assert_ne!(next.succeeded()["container"], loud.succeeded()["container"], "it is not used again");
}
