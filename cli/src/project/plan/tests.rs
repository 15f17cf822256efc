//! Plans for small manifests: what comes when, what each entity gets, and how mistakes are told. Code files and
//! servers are not needed.

use serde_json::json;

use super::*;
use crate::project::operation::PlannedAction;
use whirl_model::Json;

fn terms() -> Terms {
    Terms { namespace: "_".into(), folder: "dir".into(), ..Terms::default() }
}

fn planned(packages: Value, terms: &Terms) -> Result<Plan, Failure> {
    let Value::Object(packages) = packages else { panic!("packages are an object") };
    plan(packages, terms)
}

fn lines(packages: Value) -> Vec<String> {
    let plan = planned(packages, &terms()).unwrap();
    plan.operations
        .iter()
        .map(|operation| match operation.details() {
            Some(details) => format!("{operation}: {details}"),
            None => operation.to_string(),
        })
        .collect()
}

fn action(part: &Value, terms: &Terms) -> (PlannedAction, Vec<String>) {
    let mut plan = planned(json!({"p": {"actions": {"a": part}}}), terms).unwrap();
    match plan.operations.pop() {
        Some(Operation::Action(action)) => (*action, plan.warnings),
        other => panic!("no action: {other:?}"),
    }
}

fn refusal(part: &Value) -> String {
    planned(json!({"p": part}), &terms()).unwrap_err().to_string()
}

#[test]
fn what_others_need_comes_first() {
    let packages = json!({
        "q": {
            "apis": {"Shop": {"shop": {"item": {"a": "GET", "p/b": {"method": "post", "response": "json"}}}}},
            "rules": {"r": {"trigger": "t", "action": "outer"}},
            "triggers": {"t": {"feed": "/whisk.system/alarms/alarm", "inputs": {"cron": "* *"}}},
            "sequences": {"outer": {"actions": "inner, p/b"}, "inner": {"actions": ["a", "/ns/c", "/_/d"]}},
            "actions": {"a": {"function": "a.js"}},
            "dependencies": {"u": {"location": "/whisk.system/utils"}}
        },
        "p": {"inputs": null, "actions": {"b": {"function": "https://h/b.py", "limits": null}}},
        "default": {"actions": {"d": {"code": "x", "runtime": "nodejs"}}}
    });
    assert_eq!(
        lines(packages),
        [
            "package u: binding of /whisk.system/utils",
            "package q",
            "package p",
            "action q/a: nodejs:default, dir/a.js",
            "action p/b: python:default, https://h/b.py",
            "action d: nodejs:default, code in the manifest",
            "action q/inner: sequence of /_/q/a, /ns/c, /_/d",
            "action q/outer: sequence of /_/q/inner, /_/p/b",
            "trigger t: fed by /whisk.system/alarms/alarm",
            "rule r: /_/t starts /_/q/outer",
            "API /shop /item GET: to /_/q/a",
            "API /shop /item POST: to /_/p/b",
        ]
    );
}

#[test]
fn an_action_has_inputs_limits_and_annotations() {
    let part = json!({
        "function": "a.js", "inputs": {"name": "Ada"}, "annotations": {"final": false, "note": 1}, "web": "raw",
        "limits": {"timeout": "12000 ms", "memorySize": "128MB", "logSize": 3, "cpu": 0.5,
            "gpu": {"count": 1, "class": "h100"}}, "conductor": true
    });
    let (action, warnings) = action(&part, &terms());
    assert_eq!(
        serde_json::to_string(&action.body).unwrap(),
        concat!(
            r#"{"parameters":[{"key":"name","value":"Ada"}],"annotations":[{"key":"note","value":1},"#,
            r#"{"key":"web-export","value":true},{"key":"raw-http","value":true},{"key":"final","value":true},"#,
            r#"{"key":"conductor","value":true}],"limits":{"timeout":12000,"memory":128,"logs":3,"cpu":0.5,"#,
            r#""gpu":{"count":1,"class":"h100"}}}"#
        )
    );
    assert!(warnings.is_empty());
}

#[test]
fn a_runtime_that_the_server_lacks_gives_way_to_the_files_own() {
    let part = json!({"function": "a.js", "runtime": "nodejs:6"});
    let known = Terms { kinds: Some(["nodejs:20".to_owned()].into()), ..terms() };
    let (fallen, warnings) = action(&part, &known);
    assert!(fallen.code.to_string().starts_with("nodejs:default,") && warnings.len() == 1);
    let (strict, warnings) = action(&part, &terms());
    assert!(strict.code.to_string().starts_with("nodejs:6,") && warnings.is_empty());
}

#[test]
fn the_mark_of_a_project_is_on_every_entity() {
    let marked = Terms { mark: Some(Mark::new("shop", "m.yaml", "")), ..terms() };
    let packages = json!({"p": {"actions": {"a": {"docker": "i"}}, "sequences": {"s": {"actions": "a"}},
        "triggers": {"t": null}, "rules": {"r": {"trigger": "t", "action": "a"}}}});
    let plan = planned(packages, &marked).unwrap();
    assert_eq!(plan.operations.len(), 5);
    for operation in &plan.operations {
        let annotations = match operation {
            Operation::Package(_, body) => &body.annotations,
            Operation::Action(action) => &action.body.annotations,
            Operation::Trigger(trigger) => &trigger.body.annotations,
            Operation::Rule(_, body) => &body.annotations,
            Operation::Api(_) => panic!("there is no API"),
        };
        assert_eq!(annotations.as_deref().unwrap()[0].key, "whisk-managed", "{operation}");
    }
}

#[test]
fn a_feeds_inputs_are_for_the_feed() {
    let packages =
        json!({"p": {"triggers": {"t": {"feed": "f", "inputs": {"x": {"type": "integer", "value": "5"}}}}}});
    let plan = planned(packages, &terms()).unwrap();
    let Operation::Trigger(trigger) = &plan.operations[1] else { panic!("no trigger") };
    let (feed, parameters) = trigger.feed.as_ref().unwrap();
    assert_eq!((feed.to_string().as_str(), trigger.body.parameters.as_ref()), ("/_/p/f", None));
    assert_eq!(parameters.get("x"), Some(&Json::of(&5)));
}

#[test]
fn mistakes_are_told_with_their_place() {
    assert_eq!(
        refusal(&json!({"actions": {"a": {}}})),
        "action 'p/a': it has no code: give function or code"
    );
    assert_eq!(
        refusal(&json!({"actions": {"a": {"function": "folder"}}})),
        "action 'p/a': it needs a runtime"
    );
    assert!(refusal(&json!({"actions": ["a"]})).starts_with("package 'p' is not understood: "));
    assert!(
        refusal(&json!({"dependencies": {"d": {"location": "github.com/x/y"}}})).contains("dependency 'd'")
    );
    let limit = json!({"actions": {"a": {"function": "a.js", "limits": {"timeout": "soon"}}}});
    assert_eq!(refusal(&limit), "action 'p/a': the limit \"soon\" is no whole number of ms");
    for (limit, is) in [("cpu", "a number of cores"), ("gpu", "a number, or an object with count and class")]
    {
        let part = json!({"actions": {"a": {"function": "a.js", "limits": {limit: "much"}}}});
        assert_eq!(refusal(&part), format!("action 'p/a': the limit {limit} is {is}, not \"much\""));
    }
    let typo = json!({"function": "a.js", "input": {}, "version": 1.0});
    assert_eq!(action(&typo, &terms()).1, ["action 'p/a': 'input' is not known and does nothing"]);
}
