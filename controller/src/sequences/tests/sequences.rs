//! Sequences: the order of things, what ends them early, and their records.

use super::*;

#[test]
fn each_component_gets_what_the_one_before_gave() {
    let script = Script::new().action("inc", increment).sequence("s", &["inc", "inc", "inc"]);
    let played = script.play("s", &json!({"n": 5, "error": "in the payload is none"}));
    assert_eq!((played.outcome(), played.result()), (Outcome::Success, json!({"n": 8})));
    assert_eq!(played.inputs()[1..], [&json!({"n": 6}), &json!({"n": 7})]);
    assert!(played.ran.iter().all(|ran| ran.cause == TOPMOST));
}

#[test]
fn the_record_tells_what_its_steps_did() {
    let script = Script::new().action("inc", increment).action("longer", increment);
    let played = script.sequence("s", &["inc", "longer", "inc"]).play("s", &json!({}));
    let whole = &played.whole;
    assert_eq!((whole.logs.clone(), whole.duration), (played.ids(), Some(21)));
    assert_eq!((whole.start, whole.end, whole.cause), (Timestamp(100), Some(Timestamp(160)), None));
    assert_eq!((whole.activation_id, whole.name.as_str(), whole.response.size), (TOPMOST, "s", Some(5)));
    assert_eq!((whole.namespace.as_str(), whole.subject.as_str()), ("alice", "alice-subject"));
    let annotations = Json::of(&whole.annotations);
    let expected = json!([
        {"key": "topmost", "value": true},
        {"key": "path", "value": "alice/s"},
        {"key": "kind", "value": "sequence"},
        {"key": "waitTime", "value": 10},
        {"key": "limits", "value": {"timeout": 60000, "memory": 134, "logs": 10, "concurrency": 1}},
    ]);
    assert_eq!(serde_json::from_str::<Value>(annotations.as_str()).unwrap(), expected);
}

#[test]
fn an_error_ends_it_and_is_its_answer() {
    for (answer, outcome) in [
        (Outcome::ApplicationError, Outcome::ApplicationError),
        (Outcome::DeveloperError, Outcome::DeveloperError),
        (Outcome::InternalError, Outcome::InternalError),
        (Outcome::Success, Outcome::Success),
    ] {
        let bad = move |_: &Value, _| StepAnswer::Ends(answer, json!({"error": "no"}));
        let script = Script::new().action("inc", increment).action("bad", bad);
        let played = script.sequence("s", &["inc", "bad", "inc"]).play("s", &json!({}));
        assert_eq!((played.outcome(), played.result()), (outcome, json!({"error": "no"})));
        assert_eq!((played.names(), played.whole.logs.len()), (vec!["inc", "bad"], 2));
    }
}

#[test]
fn arrays_are_handed_on_as_they_are() {
    let twice = |input: &Value, _| ok(json!([input, input]));
    let played =
        Script::new().action("twice", twice).sequence("s", &["twice", "twice"]).play("s", &json!({"a": 1}));
    let once = json!([{"a": 1}, {"a": 1}]);
    assert_eq!((played.inputs()[1], played.result()), (&once, json!([once, once])));
}

#[test]
fn what_cannot_be_had_ends_it() {
    let script = || Script::new().action("inc", increment);
    let played = script().sequence("s", &["inc", "missing"]).play("s", &json!({}));
    assert_eq!((played.outcome(), played.whole.logs.len()), (Outcome::ApplicationError, 1));
    assert!(played.result()["error"].as_str().unwrap().contains("alice/missing"));

    let nothing = Script::new().sequence("s", &["missing"]).play("s", &json!({}));
    assert_eq!((annotation(&nothing.whole, "limits"), nothing.whole.duration), (None, Some(0)));

    let late = script().action("late", |_, _| StepAnswer::Unknown);
    let played = late.sequence("s", &["inc", "late", "inc"]).play("s", &json!({}));
    assert_eq!((played.outcome(), played.whole.logs.clone()), (Outcome::InternalError, played.ids()));

    let refused = script().action("refused", |_, _| StepAnswer::NotBegun);
    let played = refused.sequence("s", &["inc", "refused", "inc"]).play("s", &json!({}));
    assert_eq!(
        (played.outcome(), played.whole.logs.clone()),
        (Outcome::InternalError, played.ids()[..1].to_vec())
    );
}

#[test]
fn a_sequence_in_a_sequence_has_a_record_of_its_own() {
    let script = Script::new().action("inc", increment).sequence("inner", &["inc", "inc"]);
    let played = script.sequence("s", &["inc", "inner", "inc"]).play("s", &json!({}));
    assert_eq!(played.result(), json!({"n": 4}));
    let [inner] = &played.inner[..] else { panic!("one inner record") };
    let ids = played.ids();
    assert_eq!(inner.logs, ids[1..3]);
    assert_eq!(played.whole.logs, [ids[0].clone(), inner.activation_id.to_string(), ids[3].clone()]);
    assert_eq!((inner.cause, inner.duration, played.whole.duration), (Some(TOPMOST), Some(14), Some(28)));
    let of = |key| annotation(inner, key);
    assert_eq!((of("topmost"), of("causedBy")), (Some(json!(false)), Some(json!("sequence"))));
    assert!(played.ran[1..3].iter().all(|ran| ran.cause == inner.activation_id));
}

#[test]
fn an_error_in_an_inner_one_ends_all() {
    let script = Script::new().action("bad", |_, _| fails(json!({"error": 1}))).sequence("inner", &["bad"]);
    let played = script.sequence("s", &["inner", "bad"]).play("s", &json!({}));
    assert_eq!(
        (played.outcome(), played.result(), played.ran.len()),
        (Outcome::ApplicationError, json!({"error": 1}), 1)
    );
}

#[test]
fn too_many_actions_end_it() {
    let mut script = Script::new().action("inc", increment).sequence("two", &["inc", "inc"]);
    script = script.sequence("five", &["two", "two", "inc"]).sequence("four", &["two", "two"]);
    assert_eq!(script.play("four", &json!({})).outcome(), Outcome::Success);
    let played = script.play("five", &json!({}));
    assert_eq!((played.outcome(), played.ran.len()), (Outcome::ApplicationError, 4));
    assert_eq!(played.result(), json!({"error": "Too many actions in the sequence."}));
}

#[test]
fn sequences_that_came_to_hold_each_other_end() {
    let script = Script::new().sequence("a", &["b"]).sequence("b", &["a"]);
    let played = script.play("a", &json!({}));
    assert_eq!(played.result(), json!({"error": "Too many actions in the sequence."}));
}
