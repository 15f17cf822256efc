//! Compositions: what a conductor may say, what it is told, and when it is not asked any more.

use super::*;

/// Says the nth of these when it is run for the nth time, and `{}` after.
fn says(all: Value) -> impl Fn(&Value, usize) -> StepAnswer {
    move |_, times| ok(all.get(times).cloned().unwrap_or_else(|| json!({})))
}

#[test]
fn a_conductor_that_names_no_action_ends_it() {
    for (said, result) in [
        (json!({"params": {"a": 1}, "x": 2}), json!({"a": 1})),
        (json!({"params": 3}), json!({"value": 3})),
        (json!({"params": null}), json!({"value": null})),
        (json!({"x": 2, "state": {"s": 1}}), json!({"x": 2, "state": {"s": 1}})),
        (json!({}), json!({})),
        (json!([1]), json!([1])),
    ] {
        let played = Script::new().conductor("c", says(json!([said]))).play("c", &json!({}));
        assert_eq!((played.outcome(), played.result()), (Outcome::Success, result));
    }
    let played = Script::new().conductor("c", |_, _| fails(json!({"error": "x"}))).play("c", &json!({}));
    assert_eq!((played.outcome(), played.result()), (Outcome::ApplicationError, json!({"error": "x"})));
}

#[test]
fn components_get_params_and_the_conductor_their_results_under_its_state() {
    let said = json!([
        {"action": "inc", "params": {"n": 4}, "state": {"s": 1, "n": "mine"}},
        {"action": "inc", "params": 7, "state": "text"},
        {"action": "inc"},
        {"params": {"done": true}},
    ]);
    let played =
        Script::new().action("inc", increment).conductor("c", says(said)).play("c", &json!({"in": 1}));
    assert_eq!(played.names(), ["c", "inc", "c", "inc", "c", "inc", "c"]);
    assert_eq!(
        played.inputs(),
        [
            &json!({"in": 1}),
            &json!({"n": 4}),
            &json!({"n": "mine", "s": 1}),
            &json!({"value": 7}),
            &json!({"n": 1, "state": "text"}),
            &json!({}),
            &json!({"n": 1}),
        ]
    );
    let whole = &played.whole;
    assert_eq!((played.result(), whole.logs.clone()), (json!({"done": true}), played.ids()));
    assert_eq!((whole.duration, annotation(whole, "conductor")), (Some(49), Some(json!(true))));
    assert_eq!(annotation(whole, "kind"), Some(json!("sequence")));
    assert_eq!(annotation(whole, "limits").unwrap()["memory"], 131);
    assert!(played.ran.iter().all(|ran| ran.cause == TOPMOST));
}

#[test]
fn the_conductor_hears_why_a_component_is_not_run() {
    for (action, error) in [
        (json!(1), "Failed to parse action name from json value 1 during composition."),
        (json!(null), "Failed to parse action name from json value null during composition."),
        (json!("/x"), "Failed to parse action name from json value \"/x\" during composition."),
        (json!({"a": [1]}), "Failed to parse action name from json value {\"a\":[1]} during composition."),
        (json!("none"), "Failed to resolve action with name 'alice/none' during composition."),
        (json!("p/none"), "Failed to resolve action with name 'alice/p/none' during composition."),
        (json!("/denied/x"), "Failed entitlement check for action with name 'denied/x' during composition."),
    ] {
        let said = json!([{"action": action, "state": {"s": 1}}, {"params": {}}]);
        let played = Script::new().conductor("c", says(said)).play("c", &json!({}));
        assert_eq!(played.inputs()[1..], [&json!({"error": error, "s": 1})]);
        assert_eq!(played.outcome(), Outcome::Success);
    }
}

#[test]
fn errors_of_components_are_the_conductors_to_deal_with() {
    for outcome in [Outcome::ApplicationError, Outcome::DeveloperError] {
        let bad = move |_: &Value, _| StepAnswer::Ends(outcome, json!({"error": "no"}));
        let script = Script::new().action("bad", bad);
        let played = script.conductor("c", says(json!([{"action": "bad"}]))).play("c", &json!({}));
        assert_eq!((played.inputs()[2], played.outcome()), (&json!({"error": "no"}), Outcome::Success));
    }
    for answer in [
        || StepAnswer::Unknown,
        || StepAnswer::NotBegun,
        || StepAnswer::Ends(Outcome::InternalError, json!({"error": 1})),
    ] {
        let script = Script::new().action("bad", move |_, _| answer());
        let played = script.conductor("c", says(json!([{"action": "bad"}]))).play("c", &json!({}));
        assert_eq!((played.outcome(), played.names()), (Outcome::InternalError, vec!["c", "bad"]));
    }
    let played = Script::new().conductor("c", |_, _| StepAnswer::Unknown).play("c", &json!({}));
    assert_eq!((played.outcome(), played.whole.logs.clone()), (Outcome::InternalError, played.ids()));
}

#[test]
fn an_array_is_boxed_where_a_conductor_needs_an_object() {
    let list = |_: &Value, _| ok(json!([1, 2]));
    let said = json!([{"action": "list"}]);
    let script = Script::new().action("list", list).conductor("c", says(said)).sequence("s", &["list", "c"]);
    let played = script.play("s", &json!({}));
    assert_eq!(played.inputs()[1..], [&json!({"value": [1, 2]}), &json!({}), &json!({"value": [1, 2]})]);
}

#[test]
fn a_composition_has_a_budget() {
    // With a limit of 4: 4 components, 9 conductors.
    let forever = |_: &Value, _| ok(json!({"action": "inc"}));
    let script = Script::new().action("inc", increment).conductor("c", forever);
    let played = script.play("c", &json!({}));
    let run = |name: &str| played.names().iter().filter(|ran| **ran == name).count();
    assert_eq!((run("inc"), run("c")), (4, 9));
    let too_long = json!({"error": "Too many actions in the composition."});
    assert!(played.inputs()[9..].iter().all(|input| **input == too_long), "{:?}", played.inputs());
    assert_eq!((played.outcome(), played.result()), (Outcome::ApplicationError, too_long));
    assert_eq!(played.whole.logs, played.ids());
}

#[test]
fn compositions_in_compositions_share_the_budget() {
    let inner = |input: &Value, _| match input["n"].as_i64() {
        Some(n) if n > 1 => ok(json!({"params": {"n": 1}})),
        _ => ok(json!({"action": "inc", "params": {"n": 1}})),
    };
    let outer = |_: &Value, _| ok(json!({"action": "inner"}));
    let script = Script::new().action("inc", increment).conductor("inner", inner).conductor("outer", outer);
    let played = script.play("outer", &json!({}));
    // Each inner one takes two conductors and one component, each turn of the outer one a conductor.
    let run = |name: &str| played.names().iter().filter(|ran| **ran == name).count();
    assert_eq!((run("outer"), run("inner"), run("inc")), (3, 6, 3));
    assert_eq!(played.result(), json!({"error": "Too many actions in the composition."}));
    assert_eq!(played.inner.len(), 3);
    for record in &played.inner {
        assert_eq!((record.cause, annotation(record, "topmost")), (Some(TOPMOST), Some(json!(false))));
        assert_eq!(annotation(record, "conductor"), Some(json!(true)));
        assert!(played.whole.logs.contains(&record.activation_id.to_string()));
    }
}

#[test]
fn sequences_and_compositions_hold_each_other() {
    let said = json!([{"action": "pair", "params": {"n": 1}}]);
    let script = Script::new().action("inc", increment).sequence("pair", &["inc", "inc"]);
    let script = script.conductor("c", says(said)).sequence("s", &["inc", "c"]);
    let played = script.play("s", &json!({}));
    assert_eq!(played.names(), ["inc", "c", "inc", "inc", "c"]);
    let [pair, composition] = &played.inner[..] else { panic!("two inner records") };
    assert_eq!((pair.cause, composition.cause), (Some(composition.activation_id), Some(TOPMOST)));
    assert_eq!(annotation(pair, "conductor"), None);
    // A component that is a sequence counts once, whatever it holds.
    let many = json!([{"action": "pair"}, {"action": "pair"}, {"action": "pair"}, {"action": "pair"}]);
    let script = Script::new().action("inc", increment).sequence("pair", &["inc", "inc"]);
    assert_eq!(script.conductor("c", says(many)).play("c", &json!({})).outcome(), Outcome::Success);
}

#[test]
fn a_conductor_that_runs_itself_ends() {
    let script = Script::new().conductor("c", |_, _| ok(json!({"action": "c"})));
    let played = script.play("c", &json!({}));
    assert_eq!(played.ran.len(), 9);
    assert_eq!(played.outcome(), Outcome::ApplicationError);
}

#[test]
fn compositions_and_sequences_that_hold_each_other_do_not_run_for_ever() {
    let thrice = |input: &Value, _| match input["n"].as_u64().unwrap_or_default() {
        n @ 0..3 => ok(json!({"action": "s", "state": {"n": n + 1}})),
        _ => ok(json!({"params": {}})),
    };
    let error = json!({"error": "Too many actions in the composition."});
    for begin in ["c", "s"] {
        let script = Script::new().conductor("c", thrice).sequence("s", &["c", "c", "c", "c"]);
        let played = script.play(begin, &json!({}));
        assert_eq!((played.outcome(), &played.result()), (Outcome::ApplicationError, &error));
        assert_eq!(played.ran.len(), 64);
    }
}
