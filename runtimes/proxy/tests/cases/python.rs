//! What Python actions in particular may count on.

use serde_json::{Value, json};

use crate::support::archives::{tar_gz, zip};
use crate::support::container::{Container, Language, binary, source};

fn with(check: impl FnOnce(Container)) {
    crate::with(Language::Python, &[], check);
}

fn error_of(answer: &Value) -> &str {
    answer["error"].as_str().expect("the answer has an error text")
}

#[test]
fn archives_hold_modules_and_files() {
    let files = [
        (
            "__main__.py",
            "from echo import echo\ndef niam(args):\n    return echo(args, open('word').read())\n",
        ),
        ("echo.py", "def echo(args, word):\n    return {'echo': args, 'word': word}\n"),
        ("word", "from a file"),
    ];
    for archive in [zip(&files), tar_gz(&files)] {
        with(|mut container| {
            container.init_archive(&archive, "niam");
            let result = container.run_with(&json!({ "msg": "it works" }));
            assert_eq!(result, json!({ "echo": { "msg": "it works" }, "word": "from a file" }));
            let streams = container.finish(1);
            assert_eq!((streams.out.as_str(), streams.err.as_str()), ("", ""));
        });
    }
}

#[test]
fn an_archive_without_main_is_refused() {
    with(|mut container| {
        let archive = zip(&[("echo.py", "def echo(args):\n    return args\n")]);
        let (status, answer) = container.init(&binary(&archive, "echo"));
        assert_eq!(status, 502);
        assert!(error_of(&answer).contains("Zip file does not include"));
        let streams = container.finish(1);
        assert_eq!(streams.out, "");
        assert!(streams.err.contains("Zip file does not include"));
    });
}

#[test]
fn a_virtualenv_in_the_archive_is_activated() {
    let main = ("__main__.py", "import inside\ndef main(args):\n    return {'from': inside.NAME}\n");
    let activate = "import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'site'))
";
    let package = ("virtualenv/site/inside.py", "NAME = 'virtualenv'\n");
    with(|mut container| {
        container.init_archive(&zip(&[main, package, ("virtualenv/bin/activate_this.py", activate)]), "main");
        assert_eq!(container.run_ok("{}"), json!({ "from": "virtualenv" }));
    });
    with(|mut container| {
        let (status, answer) = container.init(&binary(&zip(&[main, package]), "main"));
        assert_eq!(status, 502);
        let text = "Invalid virtualenv. Zip file does not include 'activate_this.py'.";
        assert!(error_of(&answer).contains(text));
        assert!(container.finish(1).err.contains(text));
    });
}

#[test]
fn an_exception_is_an_application_error_with_a_traceback() {
    with(|mut container| {
        container.init_source("def main(args):\n    return {'zero': 5 / 0}\n");
        assert_eq!(container.run_ok("{}"), json!({ "error": "division by zero" }));
        let streams = container.finish(1);
        assert_eq!(streams.out, "");
        assert!(streams.err.contains("Traceback") && streams.err.contains("return {'zero': 5 / 0}"));
    });
}

#[test]
fn a_result_that_is_no_json_is_an_application_error() {
    with(|mut container| {
        container.init_source("def main(args):\n    return {'x': args['f'] and float('nan') or {1, 2}}\n");
        for flag in [true, false] {
            assert!(error_of(&container.run_with(&json!({ "f": flag }))).contains("JSON"));
        }
    });
}

#[test]
fn code_that_does_not_load_fails_init_with_a_traceback() {
    for (code, reason) in [
        ("10 PRINT \"Hello!\"\n20 GOTO 10\n", "SyntaxError"),
        ("import iamnotsupported\ndef main(args):\n    return {}\n", "iamnotsupported"),
        ("def other(args):\n    return {}\n", "entrypoint 'main'"),
        ("main = 5\n", "is not a function"),
    ] {
        with(|mut container| {
            let (status, answer) = container.init(&source(code, "main"));
            assert_eq!(status, 502);
            assert!(error_of(&answer).starts_with("Cannot start action."), "{answer}");
            assert!(error_of(&answer).contains(reason), "{answer}");
            let streams = container.finish(1);
            assert_eq!(streams.out, "");
            assert!(streams.err.contains(reason), "{}", streams.err);
        });
    }
}

#[test]
fn an_exit_during_init_is_reported() {
    with(|mut container| {
        let (status, answer) = container.init(&source("import sys\nsys.exit(1)\n", "main"));
        assert_eq!(status, 502);
        assert!(error_of(&answer).contains("Cannot start action"));
        assert!(error_of(&answer).contains("Command exited abruptly during initialization."));
        let streams = container.finish(1);
        assert_eq!(streams.out, "");
        assert_eq!(streams.err, "Command exited abruptly during initialization.");
    });
}

#[test]
fn python_is_itself() {
    with(|mut container| {
        container.init_source(
            "import sys, subprocess, pickle
class Thing: pass
def main(args):
    exec('global made\\nmade = args')
    stdin = subprocess.run(['cat'], capture_output=True).stdout.decode() + sys.stdin.read()
    return {'executable': sys.executable, 'made': made, 'stdin': stdin, 'pickled': len(pickle.dumps(Thing())) > 0}
",
        );
        let result = container.run_with(&json!({ "a": 1 }));
        assert!(result["executable"].as_str().unwrap().contains("python"));
        assert_eq!((&result["made"], &result["stdin"]), (&json!({ "a": 1 }), &json!("")));
        assert_eq!(container.finish(1).err, "");
    });
}

#[test]
fn integers_of_any_size_and_lone_surrogates_come_back() {
    with(|mut container| {
        container.init_source("def main(args):\n    return args\n");
        let body = r#"{"value":{"n":123456789012345678901234567890,"s":"\ud800"}}"#;
        let (status, answer) = crate::support::http::post(container.address, "/run", body);
        assert_eq!((status, answer.as_str()), (200, r#"{"n":123456789012345678901234567890,"s":"\ud800"}"#));
        container.finish(1);
    });
}
