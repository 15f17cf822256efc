//! What hostile code, archives and callers must not achieve.

use serde_json::json;

use crate::support::archives::{zip, zip_bomb, zip_of_too_many};
use crate::support::container::{Language, binary, source};
use crate::support::http;
use crate::with;

#[test]
fn an_action_cannot_replace_itself() {
    with(Language::Node, &[], |mut container| {
        container.init_source(
            "async function main(args) {
                 if (!args.port) return { code: 'the right one' };
                 const evil = { value: { main: 'main', code: 'function main() { return { code: `evil` } }' } };
                 const post = (path, body) => fetch(`http://127.0.0.1:${args.port}/${path}`, { method: 'POST', body: JSON.stringify(body) });
                 return { init: (await post('init', evil)).status, run: (await post('run', {})).status };
             }",
        );
        let port = container.inner_port;
        assert_eq!(container.run_with(&json!({ "port": port })), json!({ "init": 403, "run": 403 }));
        assert_eq!(container.run_ok("{}"), json!({ "code": "the right one" }));
        container.finish(2);
    });
}

#[test]
fn archives_cannot_leave_their_directory() {
    for name in ["../whirl-escaped.js", "/tmp/whirl-escaped.js", "a/../../whirl-escaped.js"] {
        with(Language::Node, &[], |mut container| {
            let archive = zip(&[("index.js", "exports.main = () => ({})"), (name, "escaped")]);
            let (status, answer) = container.init(&binary(&archive, "main"));
            assert_eq!(status, 502, "{name}");
            assert!(answer["error"].as_str().unwrap().contains("is not allowed"), "{answer}");
            assert!(!std::env::temp_dir().join("whirl-escaped.js").exists());
            container.finish(1);
        });
    }
}

#[test]
fn archives_that_would_unpack_to_too_much_are_refused() {
    for archive in [zip_of_too_many(), zip_bomb()] {
        with(Language::Node, &[], |mut container| {
            let (status, answer) = container.init(&binary(&archive, "main"));
            assert_eq!(status, 502);
            let text = "Initialization has failed due to: There was an error uncompressing the action archive: \
                        it holds more than 536870912 bytes or 65536 entries.";
            assert_eq!(answer["error"], text);
            container.finish(1);
        });
    }
}

#[test]
fn what_is_no_request_is_an_answer() {
    with(Language::Python, &[], |mut container| {
        http::exchange(container.address, b"\x16\x03\x01\x00garbage\r\n\r\n");
        let too_large =
            b"POST /init HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 999999999\r\n\r\n";
        assert!(http::exchange(container.address, too_large).starts_with("HTTP/1.1 413 "));
        let get = b"GET /run HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        assert!(http::exchange(container.address, get).starts_with("HTTP/1.1 405 "));
        assert_eq!(http::post(container.address, "/elsewhere", "{}").0, 404);
        assert_eq!(http::post(container.address, "/init", "{").0, 400);
        assert_eq!(http::post(container.address, "/init", r#"{"value":{"code":"%","binary":true}}"#).0, 400);
        let (status, _) = container.init(&source("def main(args):\n    return args\n", "main"));
        assert_eq!(status, 200);
        assert_eq!(container.run_with(&json!({ "a": 1 })), json!({ "a": 1 }));
    });
}

#[test]
fn scribbling_on_the_answer_pipe_harms_only_the_scribbler() {
    with(Language::Node, &[], |mut container| {
        container.init_source(
            "const fs = require('fs');
             function main(args) {
                 if (args.scribble) setTimeout(() => fs.writeSync(3, '{\"forged\":true}\\n'), 0);
                 return args;
             }",
        );
        assert_eq!(container.run_with(&json!({ "scribble": true })), json!({ "scribble": true }));
        // The forged line came after the answer, so it was nobody's; whatever it was, runs go on.
        assert_eq!(container.run(r#"{"value":{"a":1}}"#).0, 200);
        assert_eq!(container.run(r#"{"value":{"a":2}}"#).0, 200);
    });
}

#[test]
fn a_flood_of_anything_ends_with_its_mark() {
    const LONG: usize = 100_000_000;
    for (language, code) in [
        (
            Language::Node,
            "function main({ quiet }) {
                 if (quiet) return {};
                 for (let i = 0; i < 100; i += 1) process.stdout.write('x'.repeat(1000000));
                 process.stdout.write('\\n');
                 for (let i = 0; i < 100000; i += 1) process.stderr.write(Buffer.from([65, 255, 10]));
                 return {};
             }",
        ),
        (
            Language::Python,
            "import sys
def main(args):
    if 'quiet' in args: return {}
    sys.stdout.write('x' * 100000000 + '\\n')
    sys.stderr.buffer.write(b'A\\xff\\n' * 100000)
    return {}
",
        ),
    ] {
        with(language, &[], |mut container| {
            container.init_source(code);
            assert_eq!(container.run_ok("{}"), json!({}));
            assert_eq!(container.run_with(&json!({ "quiet": true })), json!({}), "it lives on");
            let streams = container.finish(2);
            assert_eq!(streams.out.len(), LONG);
            assert_eq!(streams.err.lines().filter(|line| *line == "A\u{fffd}").count(), 100_000);
        });
    }
}

#[test]
fn an_action_cannot_write_the_mark_that_the_platform_asked_for() {
    const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
    for (language, code) in [
        (
            Language::Node,
            "const seen = Object.values(process.env).filter((value) => value.includes('5eaf')).length;
             function main() { console.log('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'); return { seen } }",
        ),
        (
            Language::Python,
            "import os
seen = len([value for value in os.environ.values() if '5eaf' in value])
def main(args):
    print('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX')
    return {'seen': seen}
",
        ),
    ] {
        with(language, &[("WHIRL_PROXY_MARK_WORD", "5eaf00d")], |mut container| {
            container.init_source(code);
            assert_eq!(container.run_ok("{}"), json!({ "seen": 0 }));
            let (out, err) = container.end();
            let own = format!("5eaf00d {MARK}\n");
            assert_eq!(out, format!("{own}{MARK}\n{own}"), "the first one is written at the start");
            assert_eq!(err, own.repeat(2));
        });
    }
}
