//! Whatever actions answer: a whole ends, within its bounds, and its records tell what ran.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 8] = ["a", "b", "s", "t", "c", "d", "missing", "/x"];

/// What an action says, by a number.
fn say(number: u32) -> StepAnswer {
    let name = NAMES[number as usize / 8 % NAMES.len()];
    match number % 8 {
        0 => fails(json!({"error": number})),
        1 => StepAnswer::Ends(Outcome::DeveloperError, json!({"error": number})),
        2 => ok(json!([number])),
        3 if number % 16 == 3 => StepAnswer::Unknown,
        3 => StepAnswer::NotBegun,
        4 => ok(json!({"params": {"n": number}, "state": 1})),
        _ => ok(json!({"action": name, "params": [number], "state": {"n": number}})),
    }
}

fn script(answers: &[u32]) -> Script {
    let mut script = Script::new();
    for (offset, name) in NAMES.iter().take(6).enumerate() {
        let answers = answers.to_vec();
        let answer = move |_: &Value, times: usize| say(answers[(times * 7 + offset) % answers.len()]);
        script = match *name {
            "s" => script.sequence(name, &["a", "t", "c"]),
            "t" => script.sequence(name, &["b", "d", "a"]),
            "c" | "d" => script.conductor(name, answer),
            _ => script.action(name, answer),
        };
    }
    Script { limit: 3, ..script }
}

proptest! {
    #[test]
    fn every_whole_ends_and_its_records_tell_what_ran(
        answers in prop::collection::vec(0_u32..64, 1..30),
        begin in prop::sample::select(vec!["s", "t", "c", "d"]),
    ) {
        let played = script(&answers).play(begin, &json!({"n": 0}));
        let records: Vec<_> = played.inner.iter().chain([&played.whole]).collect();
        let own = records.iter().map(|record| record.activation_id);
        let all: Vec<_> = played.ran.iter().map(|ran| ran.id).chain(own).collect();
        prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "ids are distinct");
        for record in &records {
            let steps = played.ran.iter().filter(|ran| ran.cause == record.activation_id).map(|ran| ran.id);
            let inner = played.inner.iter().filter(|i| i.cause == Some(record.activation_id));
            let children: HashSet<_> = steps.chain(inner.map(|i| i.activation_id)).map(|id| id.to_string()).collect();
            // What could not be begun has an id and no record.
            prop_assert!(record.logs.iter().all(|id| children.contains(id)));
            prop_assert!(children.len() <= record.logs.len() + 1);
            let failed = record.response.outcome != Outcome::Success;
            prop_assert!(!failed || record.response.result.as_ref().unwrap().member("error").is_some());
        }
        let order: Vec<_> = played.ids();
        for record in &records {
            let places: Vec<_> = record.logs.iter().filter_map(|id| order.iter().position(|ran| ran == id)).collect();
            prop_assert!(places.is_sorted(), "logs are in order");
        }
    }

    #[test]
    fn the_same_answers_lead_to_the_same_ids(answers in prop::collection::vec(0_u32..64, 1..30)) {
        let ids = || script(&answers).play("s", &json!({})).ids();
        prop_assert_eq!(ids(), ids());
    }
}
