//! Several runs at once in one container: what the platform asks for in `/init`, whose each line is, and that runs
//! do not harm each other.

use std::collections::BTreeMap;
use std::thread;

use serde_json::{Value, json};

use crate::support::container::{Container, Language, source};
use crate::support::http;
use crate::with;

const WORD: &str = "5eaf00d";
const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// Runs `check` on a Node.js container that was asked for tags and initialised with `code`.
fn tagging(code: &str, check: impl FnOnce(Container)) {
    with(Language::Node, &[], |mut container| {
        let mut value = source(code, "main");
        value["tagLogs"] = json!(WORD);
        assert_eq!(container.init(&value), (200, json!({ "ok": true, "tagsLogs": true })));
        check(container);
    });
}

/// Has these activations run at once, each with its parameters; status and answer of each.
fn at_once(container: &Container, runs: impl IntoIterator<Item = (String, Value)>) -> Vec<(u16, Value)> {
    let address = container.address;
    let start = |(id, value): (String, Value)| {
        let body = json!({ "value": value, "activation_id": id }).to_string();
        thread::spawn(move || http::post(address, "/run", &body))
    };
    let runs: Vec<_> = runs.into_iter().map(start).collect();
    let answer = |run: thread::JoinHandle<(u16, String)>| {
        let (status, answer) = run.join().expect("the run was answered");
        (status, serde_json::from_str(&answer).expect("answers are JSON"))
    };
    runs.into_iter().map(answer).collect()
}

/// The lines of one stream by whose they are. Every line has to have a tag.
fn by_activation(stream: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut lines = BTreeMap::<_, Vec<_>>::new();
    for line in stream.lines() {
        let mut parts = line.splitn(3, ' ');
        let (word, id, text) = (parts.next(), parts.next().expect("a tag"), parts.next().expect("a text"));
        assert_eq!(word, Some(WORD), "{line}");
        lines.entry(id).or_default().push(text);
    }
    lines
}

#[test]
fn every_line_says_whose_it_is() {
    let code = "
        console.log('loading');
        const arrived = [];
        async function main({ name, wanted }) {
            console.log(name, 'begins');
            process.stdout.write(name + ' in ');
            await new Promise((resolve) => { arrived.push(resolve); if (arrived.length === wanted) arrived.forEach((go) => go()) });
            process.stdout.write(Buffer.from('two parts\\n'));
            setTimeout(() => console.error(name, 'in a timer'), 1);
            await new Promise((resolve) => setTimeout(resolve, 20));
            console.log(name + '\\nin\\nlines');
            process.stdout.write('2744e29d840a', 'hex');
            await new Promise((resolve) => process.stdout.write('called back', resolve));
            return { name };
        }";
    tagging(code, |container| {
        let names: Vec<String> = (0..20).map(|number| format!("a{number}")).collect();
        let runs = names.iter().map(|name| (name.clone(), json!({ "name": name, "wanted": 20 })));
        for (name, answer) in names.iter().zip(at_once(&container, runs)) {
            assert_eq!(answer, (200, json!({ "name": name })));
        }
        let (out, err) = container.end();
        let (mut out, err) = (by_activation(&out), by_activation(&err));
        assert_eq!(out.remove("-"), Some(vec!["loading"]));
        assert_eq!((out.len(), err.len()), (20, 20));
        for name in &names {
            let (begins, parts) = (format!("{name} begins"), format!("{name} in two parts"));
            let said = [&begins, &parts, name, "in", "lines", "'D\u{2744}", "called back", MARK];
            assert_eq!(out[name.as_str()], said);
            assert_eq!(err[name.as_str()], [format!("{name} in a timer").as_str(), MARK]);
        }
    });
}

#[test]
fn a_run_that_throws_ends_itself_alone() {
    let code = "
        async function main({ how }) {
            if (how === 'at once') throw new Error('at once');
            if (how === 'in a timer') setTimeout(() => { throw new Error('in a timer') }, 10);
            if (how === 'unheard') Promise.reject(new Error('unheard'));
            await new Promise((resolve) => setTimeout(resolve, 500));
            return { how };
        }
        const promised = main;
        main = (args) => { if (args.how === 'thrown') throw new Error('thrown'); return promised(args) }";
    tagging(code, |container| {
        let ways = ["fine", "thrown", "in a timer", "unheard", "at once", "too"];
        let runs = ways.iter().zip(["1", "2", "3", "4", "5", "6"]);
        let runs = runs.map(|(how, id)| (id.to_owned(), json!({ "how": how })));
        let answers = at_once(&container, runs);
        for (how, (status, answer)) in ways.iter().zip(&answers) {
            let text = answer["error"].as_str().unwrap_or_default();
            match *how {
                "fine" | "too" => assert_eq!((*status, &answer["how"]), (200, &json!(how))),
                // Rejected: an error that the action answers with.
                "at once" => assert_eq!((*status, &answer["error"]["message"]), (200, &json!(how))),
                _ => assert_eq!((*status, text), (502, &*format!("An error has occurred: Error: {how}"))),
            }
        }
        let again = at_once(&container, [("7".to_owned(), json!({ "how": "again" }))]);
        assert_eq!(again, [(200, json!({ "how": "again" }))]);
        let (out, err) = container.end();
        let (out, err) = (by_activation(&out), by_activation(&err));
        assert!(out.values().all(|lines| *lines == [MARK]) && out.len() == 7, "{out:?}");
        assert!(err["3"][0].contains("in a timer") && err["4"][0].contains("unheard"), "{err:?}");
        assert_eq!((&err["1"][..], &err["6"][..]), (&[MARK][..], &[MARK][..]));
    });
}

#[test]
fn a_process_that_ends_ends_all_its_runs() {
    let code = "
        let arrived = 0;
        function main({ name }) {
            console.log(name);
            process.stdout.write('no line end');
            arrived += 1;
            return new Promise(() => { if (arrived === 3) setTimeout(() => process.exit(0), 10) });
        }";
    tagging(code, |container| {
        let runs = ["x", "y", "z"].map(|name| (name.to_owned(), json!({ "name": name })));
        let exited = (400, json!({ "error": "command exited" }));
        assert_eq!(at_once(&container, runs), [exited.clone(), exited.clone(), exited]);
        let (out, err) = container.end();
        let (out, err) = (by_activation(&out), by_activation(&err));
        for name in ["x", "y", "z"] {
            assert_eq!((&out[name][..], &err[name][..]), (&[name, MARK][..], &[MARK][..]));
        }
    });
}

#[test]
fn floods_and_bytes_of_any_kind_pass() {
    const LONG: usize = 20_000_000;
    let code = "
        async function main({ what }) {
            if (what === 'long') process.stdout.write('x'.repeat(20000000));
            if (what === 'many') for (let i = 0; i < 100000; i++) console.log('y'.repeat(99));
            if (what === 'bytes') process.stderr.write(Buffer.from([...Array(10).keys(), 255, 254, 128, 10, 0]));
            if (what === 'mark') console.log('XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX');
            if (what === 'closed') { process.stdout.end(); process.stderr.destroy() }
            try { process.stdout.write(7) } catch (error) { console.error(error.code) }
            return { what };
        }";
    tagging(code, |container| {
        let kinds = ["long", "many", "bytes", "mark", "closed"];
        let runs = kinds.map(|what| (what.to_owned(), json!({ "what": what })));
        for (what, answer) in kinds.iter().zip(at_once(&container, runs)) {
            assert_eq!(answer, (200, json!({ "what": what })));
        }
        let (out, err) = container.end();
        let (out, err) = (by_activation(&out), by_activation(&err));
        let long = &out["long"];
        let (last, pieces) = long.split_last().unwrap();
        assert_eq!((*last, pieces.iter().map(|piece| piece.len()).sum::<usize>()), (MARK, LONG));
        assert!(pieces.iter().all(|piece| piece.len() <= 16 << 10));
        assert_eq!(out["many"].len(), 100_001);
        assert_eq!((&out["mark"][..], &out["closed"][..]), (&[MARK][..], &[MARK][..]));
        assert!(err["bytes"][0].ends_with("\t\u{fffd}\u{fffd}\u{fffd}"), "{:?}", err["bytes"]);
        assert_eq!(err["closed"], ["ERR_INVALID_ARG_TYPE", MARK]);
    });
}

#[test]
fn a_language_that_cannot_says_so_and_goes_on_alone() {
    with(Language::Python, &[], |mut container| {
        let mut value = source("def main(args):\n    print('hello')\n    return args\n", "main");
        value["tagLogs"] = json!(WORD);
        assert_eq!(container.init(&value), (200, json!({ "ok": true, "concurrent": false })));
        assert_eq!(container.run_ok(r#"{"activation_id":"a"}"#), json!({}));
        assert_eq!(container.finish(1).out, "hello");
    });
}

#[test]
fn an_init_that_fails_ends_with_plain_marks() {
    with(Language::Node, &[], |mut container| {
        let mut value = source("throw new Error('while loading')", "main");
        value["tagLogs"] = json!(WORD);
        assert_eq!(container.init(&value).0, 502);
        let (out, err) = container.end();
        assert_eq!(out, format!("{MARK}\n"));
        assert!(
            err.starts_with(&format!("{WORD} - Error during initialization: Error: while loading")),
            "{err}"
        );
        assert!(err.ends_with(&format!("\n{MARK}\n")), "{err}");
    });
}
