//! The cases that every language must pass.

use serde_json::{Value, json};

use crate::support::container::{Language, source};
use crate::with;

struct Sources {
    echo: &'static str,
    niam: &'static str,
    scalar: &'static str,
    unicode: &'static str,
    init_env: &'static str,
    context: &'static str,
    exit: &'static str,
}

const NODE: Sources = Sources {
    echo: "function main(args) { console.log('hello stdout'); console.error('hello stderr'); return args }",
    niam: "function niam(args) { return args }",
    scalar: "function main(args) { return 'not a json object' }",
    unicode: "function main(args) { const s = args.delimiter + ' ☃ ' + args.delimiter; console.log(s); return { winter: s } }",
    init_env: "const seen = { SOME_VAR: process.env.SOME_VAR, ANOTHER_VAR: process.env.ANOTHER_VAR }
               function main() { return seen }",
    context: "function main() {
                  const names = ['api_host', 'api_key', 'namespace', 'action_name', 'action_version', 'activation_id', 'deadline'];
                  return Object.fromEntries(names.map((name) => [name, process.env['__OW_' + name.toUpperCase()]]));
              }",
    exit: "function main() { process.exit(1) }",
};

const PYTHON: Sources = Sources {
    echo: "import sys
def main(args):
    print('hello stdout')
    print('hello stderr', file=sys.stderr)
    return args
",
    niam: "def niam(args):\n    return args\n",
    scalar: "def main(args):\n    return 'not a json object'\n",
    unicode: "def main(args):
    s = args['delimiter'] + ' ☃ ' + args['delimiter']
    print(s)
    return {'winter': s}
",
    init_env: "import os
seen = {'SOME_VAR': os.environ['SOME_VAR'], 'ANOTHER_VAR': os.environ['ANOTHER_VAR']}
def main(args):
    return seen
",
    context: "import os
def main(args):
    names = ['api_host', 'api_key', 'namespace', 'action_name', 'action_version', 'activation_id', 'deadline']
    return {name: os.environ['__OW_' + name.upper()] for name in names}
",
    exit: "import sys\ndef main(args):\n    sys.exit(1)\n",
};

fn each(check: impl Fn(Language, &Sources)) {
    check(Language::Node, &NODE);
    check(Language::Python, &PYTHON);
}

#[test]
fn no_code_is_refused() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            let missing = json!({ "error": "Missing main/no code to execute." });
            assert_eq!(container.init(&source("", "")), (403, missing.clone()));
            assert_eq!(container.init(&json!({})), (403, missing));
            container.init_source(sources.echo);
        });
    });
}

#[test]
fn a_run_before_init_is_refused() {
    each(|language, _| {
        with(language, &[], |mut container| {
            assert_eq!(container.run("{}"), (403, json!({ "error": "System not initialized." })));
            container.finish(0);
        });
    });
}

#[test]
fn a_scalar_result_is_an_error() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.scalar);
            let text = "The action did not return a dictionary or array.";
            assert_eq!(container.run("{}"), (502, json!({ "error": text })));
            assert_eq!(container.finish(1).out, "");
        });
    });
}

#[test]
fn a_second_init_is_refused_and_said_in_the_streams() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.niam.replace("niam", "main").as_str());
            let text = "Cannot initialize the action more than once.";
            assert_eq!(container.init(&source(sources.echo, "main")), (403, json!({ "error": text })));
            let streams = container.finish(0);
            assert!((streams.out + &streams.err).contains(text));
        });
    });
}

#[test]
fn an_init_after_a_failed_one_is_refused() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            assert_eq!(container.init(&source("this is ( no code", "main")).0, 502);
            assert_eq!(container.init(&source(sources.echo, "main")).0, 403);
            assert_ne!(container.run("{}").0, 200);
            container.finish(1);
        });
    });
}

#[test]
fn the_entry_point_may_have_another_name() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            assert_eq!(container.init(&source(sources.niam, "niam")).0, 200);
            assert_eq!(container.run_with(&json!({ "a": 1 })), json!({ "a": 1 }));
            assert_eq!(container.finish(1).err, "");
        });
    });
}

#[test]
fn arguments_come_back_and_output_reaches_the_streams() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.echo);
            for payload in [
                json!({ "string": "hello" }),
                json!({ "string": "❄ ☃ ❄ \u{2028}\u{2029}\u{0} 𝄞 \"\\ \r\n" }),
                json!({ "numbers": [42, 1, -7.25, 1e-9, 9_007_199_254_740_991_u64] }),
                json!({ "object": { "a": "A", "nested": [[], {}, null, true, { "b": [""] }] } }),
            ] {
                assert_eq!(container.run_with(&payload), payload);
            }
            let streams = container.finish(4);
            assert_eq!(streams.out, ["hello stdout"; 4].join("\n"));
            assert_eq!(streams.err, ["hello stderr"; 4].join("\n"));
        });
    });
}

#[test]
fn white_space_in_a_request_does_not_matter() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.echo);
            assert_eq!(container.run_ok("{\r\n\"value\" :\n { \"a\" :\t1 } }\n"), json!({ "a": 1 }));
            container.finish(1);
        });
    });
}

#[test]
fn unicode_passes_unharmed() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.unicode);
            assert_eq!(container.run_with(&json!({ "delimiter": "❄" })), json!({ "winter": "❄ ☃ ❄" }));
            let streams = container.finish(1);
            assert_eq!((streams.out.as_str(), streams.err.as_str()), ("❄ ☃ ❄", ""));
        });
    });
}

#[test]
fn the_init_environment_is_there_when_code_loads() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            let mut value = source(sources.init_env, "main");
            value["env"] = json!({ "SOME_VAR": "xyz=1", "ANOTHER_VAR": "" });
            assert_eq!(container.init(&value).0, 200);
            assert_eq!(container.run_ok("{}"), json!({ "SOME_VAR": "xyz=1", "ANOTHER_VAR": "" }));
        });
    });
}

#[test]
fn the_context_is_in_the_environment() {
    each(|language, sources| {
        with(language, &[("__OW_API_HOST", "http://api:80")], |mut container| {
            container.init_source(sources.context);
            let context = json!({
                "value": {}, "api_key": "k:s", "namespace": "guest", "action_name": "/guest/p/a",
                "action_version": "0.0.2", "activation_id": "0123", "deadline": "1700000000000",
            });
            let mut expected = context.clone();
            expected.as_object_mut().unwrap().remove("value");
            expected["api_host"] = json!("http://api:80");
            assert_eq!(container.run_ok(&context.to_string()), expected);
            assert_eq!(container.finish(1).err, "");
        });
    });
}

#[test]
fn a_large_argument_comes_back() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.niam.replace("niam", "main").as_str());
            let payload = json!({ "text": "a".repeat(1_048_561) });
            assert!(container.run_with(&payload) == payload, "the text came back changed");
        });
    });
}

#[test]
fn arrays_are_arguments_and_results_and_scalars_are_not() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.niam.replace("niam", "main").as_str());
            assert_eq!(container.run_with(&json!(["a", 1])), json!(["a", 1]));
            assert_eq!(container.run_with(&Value::Null), json!({}));
            assert_eq!(container.run(r#"{"value":"text"}"#).0, 403);
            assert_eq!(container.run("{").0, 400);
            assert_eq!(container.run_with(&json!({})), json!({}));
            container.finish(3);
        });
    });
}

#[test]
fn an_action_that_ends_its_process_is_reported() {
    each(|language, sources| {
        with(language, &[], |mut container| {
            container.init_source(sources.exit);
            assert_eq!(container.run("{}"), (400, json!({ "error": "command exited" })));
            assert_eq!(container.run("{}"), (500, json!({ "error": "command exited" })));
            let streams = container.finish(1);
            assert_eq!((streams.out.as_str(), streams.err.as_str()), ("", ""));
        });
    });
}
