//! What Node.js actions in particular may count on.

use std::thread;

use serde_json::{Value, json};

use crate::support::archives::{tar_gz, zip};
use crate::support::container::{Container, Language, binary, source};
use crate::support::http;

const PACKAGE: (&str, &str) = ("package.json", r#"{ "name": "wskaction", "main": "index.js" }"#);

fn with(check: impl FnOnce(Container)) {
    crate::with(Language::Node, &[], check);
}

/// One action, one run with `parameters`, the expected result, and nothing in the streams.
fn quietly(code: &str, parameters: &Value, expected: &Value) {
    with(|mut container| {
        container.init_source(code);
        assert_eq!(container.run_with(parameters), *expected, "{code}");
        let streams = container.finish(1);
        assert_eq!((streams.out.as_str(), streams.err.as_str()), ("", ""), "{code}");
    });
}

/// The same with an archive.
fn quietly_archived(archive: &str, main: &str, expected: &Value) {
    with(|mut container| {
        container.init_archive(archive, main);
        assert_eq!(container.run_ok("{}"), *expected);
        let streams = container.finish(1);
        assert_eq!((streams.out.as_str(), streams.err.as_str()), ("", ""));
    });
}

#[test]
fn code_that_does_not_load_fails_init() {
    for (code, reason) in [
        ("10 PRINT \"Hello world!\"\n20 GOTO 10", "SyntaxError"),
        ("throw new Error('while loading')", "while loading"),
        ("function other() {}", "Action entrypoint 'main' is not a function."),
    ] {
        with(|mut container| {
            let (status, answer) = container.init(&source(code, "main"));
            assert_eq!(status, 502);
            let text = answer["error"].as_str().unwrap();
            assert!(
                text.starts_with("Initialization has failed due to: ") && text.contains(reason),
                "{text}"
            );
            let streams = container.finish(1);
            assert!(streams.err.contains("rror") && streams.err.contains(reason), "{}", streams.err);
        });
    }
}

#[test]
fn a_thrown_error_is_a_failure() {
    for code in ["function main() { throw 'nooooo' }", "function main() { require('.no-such-nooooo') }"] {
        with(|mut container| {
            container.init_source(code);
            let (status, answer) = container.run("{}");
            assert_eq!(status, 502);
            let text = answer["error"].as_str().unwrap();
            assert!(text.starts_with("An error has occurred: ") && text.contains("nooooo"), "{text}");
            let refusal = json!({ "error": "System not ready, status is stopped." });
            assert_eq!(container.run("{}"), (403, refusal));
            assert!(container.finish(1).err.contains("nooooo"));
        });
    }
}

#[test]
fn results_of_many_shapes() {
    let empty = json!({});
    quietly("function main() {}", &empty, &empty);
    quietly("function main() { return { error: 'sorry' } }", &empty, &json!({ "error": "sorry" }));
    quietly("function main() { return ['a', 'b'] }", &empty, &json!(["a", "b"]));
    quietly(
        "function main() { let foo = 3; return { is: ((a, b = 2) => a === 3 && b === 2)(foo) } }",
        &empty,
        &json!({ "is": true }),
    );
}

#[test]
fn promises_are_awaited() {
    let none = json!({});
    let later = |what: &str| {
        format!("function main() {{ return new Promise((resolve, reject) => setTimeout(() => {what}, 20)) }}")
    };
    quietly(&later("resolve({ done: true })"), &none, &json!({ "done": true }));
    quietly(&later("resolve()"), &none, &json!({}));
    quietly(&later("reject({ done: true })"), &none, &json!({ "error": { "done": true } }));
    quietly(&later("reject()"), &none, &json!({ "error": {} }));
    quietly("async function main(args) { return args }", &json!({ "a": 1 }), &json!({ "a": 1 }));
    quietly("function main() { return { then: (done) => done({ a: 2 }) } }", &none, &json!({ "a": 2 }));
}

#[test]
fn rejected_errors_are_serialised() {
    for (code, message) in [
        ("async function main() { return a.b.c }", "ReferenceError: a is not defined"),
        ("async function main() { throw new Error('app error') }", "Error: app error"),
        ("async function main() { const e = new Error('round'); e.self = e; throw e }", "Error: round"),
    ] {
        with(|mut container| {
            container.init_source(code);
            let error = &container.run_ok("{}")["error"];
            assert!(error["stack"].as_str().unwrap().contains(message), "{error}");
            assert!(message.contains(error["message"].as_str().unwrap()));
            container.finish(1);
        });
    }
}

#[test]
fn the_entry_point_is_found_where_code_puts_it() {
    let hello = json!({ "a": "hello" });
    quietly("global.main = function (args) { return args }", &hello, &hello);
    quietly("exports.main = function (args) { return args }", &hello, &hello);
    quietly("module.exports.main = function (args) { return args } // end", &hello, &hello);
    quietly("function main(args) { b = args.a; return { a: b } }", &hello, &hello);
}

#[test]
fn node_modules_work() {
    with(|mut container| {
        container.init_source(
            "const { promisify } = require('util');
             async function main() {
                 const os = await import('node:os');
                 return { stat: await promisify(require('fs').stat)('.'), cpus: os.cpus().length };
             }",
        );
        let result = container.run_ok("{}");
        assert!(result["stat"]["uid"].is_number() && result["cpus"].is_number());
        container.finish(1);
    });
}

#[test]
fn standard_input_is_empty() {
    quietly(
        "async function main() { let n = 0; for await (const part of process.stdin) n += part.length; return { n } }",
        &json!({}),
        &json!({ "n": 0 }),
    );
}

#[test]
fn archives_of_packages() {
    let index =
        ("index.js", "exports.main = () => ({ from: 'index' }); exports.niam = () => ({ from: 'niam' })");
    let other = (
        "other.js",
        "exports.niam = () => ({ from: 'other' }); exports.niam.xyz = () => ({ from: 'nested' })",
    );
    quietly_archived(&zip(&[PACKAGE, index]), "main", &json!({ "from": "index" }));
    quietly_archived(&zip(&[index]), "main", &json!({ "from": "index" }));
    quietly_archived(&tar_gz(&[PACKAGE, index]), "main", &json!({ "from": "index" }));
    quietly_archived(&zip(&[PACKAGE, index]), "niam", &json!({ "from": "niam" }));
    quietly_archived(&zip(&[other]), "other.niam", &json!({ "from": "other" }));
    quietly_archived(&zip(&[other]), "other.niam.xyz", &json!({ "from": "nested" }));
    quietly_archived(&zip(&[PACKAGE, index, other]), "other.niam", &json!({ "from": "other" }));
}

#[test]
fn archives_bring_their_own_modules_and_entry_file() {
    let archive = zip(&[
        ("package.json", r#"{ "main": "lib/start.js" }"#),
        ("lib/start.js", "exports.main = () => ({ message: require('abcxyz').hello })"),
        ("node_modules/abcxyz/index.js", "exports.hello = 'hello local library'"),
    ]);
    quietly_archived(&archive, "main", &json!({ "message": "hello local library" }));
}

#[test]
fn archives_of_ecmascript_modules() {
    let package = ("package.json", r#"{ "type": "module", "main": "index.js" }"#);
    for code in [
        "export const main = () => ({ from: 'esm' })",
        "export default function () { return { from: 'esm' } }",
        "export default { main: () => ({ from: 'esm' }) }",
    ] {
        quietly_archived(&zip(&[package, ("index.js", code)]), "main", &json!({ "from": "esm" }));
    }
}

#[test]
fn the_working_directory_is_the_archives() {
    let code = "exports.main = () => ({ text: require('fs').readFileSync('./test.txt', 'utf8'), here: __dirname === process.cwd() })";
    let archive = zip(&[PACKAGE, ("test.txt", "test text"), ("index.js", code)]);
    quietly_archived(&archive, "main", &json!({ "text": "test text", "here": true }));
}

#[test]
fn archives_that_are_no_actions_are_refused() {
    let not_a_zip = "Q2VjaSBuJ2VzdCBwYXMgdW4gemlwLgo=";
    let damaged = &zip(&[PACKAGE])[..40];
    for (archive, reason) in [
        (not_a_zip, "There was an error uncompressing the action archive"),
        (damaged, "There was an error uncompressing the action archive"),
        (
            zip(&[("hello", "Hello world!")]).as_str(),
            "Zipped actions must contain either package.json or index.js at the root.",
        ),
    ] {
        with(|mut container| {
            let (status, answer) = container.init(&binary(archive, "main"));
            assert_eq!(status, 502);
            assert!(answer["error"].as_str().unwrap().contains(reason), "{answer}");
            let streams = container.finish(1);
            assert!(streams.err.to_lowercase().contains("error") && streams.err.contains(reason));
        });
    }
}

const BARRIER: &str = "
    let arrived = [];
    function main(args) {
        console.log('interleave me');
        return new Promise((resolve) => {
            arrived.push(() => resolve({ args }));
            if (arrived.length === args.wanted) arrived.forEach((release) => release());
        });
    }";

fn run_at_once(container: &Container, bodies: Vec<String>) -> Vec<(u16, String)> {
    let address = container.address;
    let runs: Vec<_> =
        bodies.into_iter().map(|body| thread::spawn(move || http::post(address, "/run", &body))).collect();
    runs.into_iter().map(|run| run.join().expect("the run was answered")).collect()
}

#[test]
fn runs_go_side_by_side_where_that_is_allowed() {
    let wanted = 128;
    crate::with(Language::Node, &[("__OW_ALLOW_CONCURRENT", "true")], |mut container| {
        container.init_source(BARRIER);
        let filler = "x".repeat(10_000);
        let body = |number| json!({ "value": { "wanted": wanted, "number": number, "filler": filler } });
        let answers = run_at_once(&container, (0..wanted).map(|number| body(number).to_string()).collect());
        for (number, (status, answer)) in (0..wanted).zip(answers) {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!((status, &answer["args"]["number"]), (200, &json!(number)));
        }
        let streams = container.finish(wanted);
        assert_eq!(streams.out.lines().filter(|line| *line == "interleave me").count(), wanted);
    });
}

#[test]
fn a_second_run_at_once_is_refused_where_it_is_not_allowed() {
    with(|mut container| {
        container.init_source(
            "function main() { return new Promise((resolve) => setTimeout(() => resolve({ ran: true }), 1000)) }",
        );
        let mut answers = run_at_once(&container, vec!["{}".to_owned(); 2]);
        answers.sort();
        assert_eq!(answers[0], (200, r#"{"ran":true}"#.to_owned()));
        assert_eq!(answers[1], (403, r#"{"error":"System not ready, status is running."}"#.to_owned()));
        assert_eq!(container.run_ok("{}"), json!({ "ran": true }));
        container.finish(2);
    });
}

#[test]
fn a_caller_that_leaves_does_not_disturb_the_container() {
    with(|mut container| {
        container.init_source(
            "function main(args) { return new Promise((resolve) => setTimeout(() => resolve(args), args.ms || 0)) }",
        );
        {
            use std::io::Write as _;
            let mut caller = std::net::TcpStream::connect(container.address).unwrap();
            let body = r#"{"value":{"ms":50}}"#;
            write!(caller, "POST /run HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        // The run that was left may be under way still, or may not have begun.
        loop {
            let (status, answer) = container.run(r#"{"value":{"mine":true}}"#);
            if status == 200 {
                assert_eq!(answer, json!({ "mine": true }));
                break;
            }
            assert!(std::time::Instant::now() < deadline, "{answer}");
            thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(container.run_ok("{}"), json!({}));
    });
}

#[test]
fn output_larger_than_a_pipe_comes_before_the_mark() {
    with(|mut container| {
        container.init_source("function main() { process.stdout.write('y'.repeat(999) + '\\n', () => {}); for (let i = 1; i < 2000; i++) console.log('y'.repeat(999)); return {} }");
        assert_eq!(container.run_ok("{}"), json!({}));
        assert_eq!(container.run_ok("{}"), json!({}));
        assert_eq!(container.finish(2).out.len(), 2 * 2000 * 1000 - 1);
    });
}
