//! What hostile code, archives and callers must not achieve.

use serde_json::json;

use crate::support::archives::{zip, zip_of_too_many};
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
fn archives_of_too_many_entries_are_refused() {
    with(Language::Node, &[], |mut container| {
        let (status, answer) = container.init(&binary(&zip_of_too_many(), "main"));
        assert_eq!(status, 502);
        assert!(answer["error"].as_str().unwrap().contains("holds more than"), "{answer}");
        container.finish(1);
    });
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
