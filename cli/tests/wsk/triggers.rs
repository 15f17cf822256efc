//! Triggers and the feeds that fire them.

use super::support::{AUTH, answer, ok, refusal, wsk};

const TRIGGERS: &str = "/api/v1/namespaces/_/triggers";
const FEED: &str = "POST /api/v1/namespaces/_/actions/p/f?blocking=true&result=false";
const DONE: &str = r#"{"activationId":"abc","response":{"success":true,"result":{"lifecycleEvent":"READ"}}}"#;
const FAILED: &str = r#"{"activationId":"abc","response":{"success":false,"result":{"error":"no"}}}"#;
const FED: &str = r#"{"namespace":"ns","name":"t","annotations":[{"key":"feed","value":"/_/p/f"}]}"#;

fn told(event: &str) -> String {
    format!(r#""lifecycleEvent":"{event}","triggerName":"/_/t","authKey":"{AUTH}"}}"#)
}

#[test]
fn a_plain_trigger_has_parameters_of_its_own() {
    let ended = wsk(vec![ok("{}")], &["trigger", "create", "t", "-p", "k", "v", "-a", "n", "1"]).well();
    assert_eq!(ended.out, "ok: created trigger t\n");
    assert_eq!(ended.lines(), [format!("PUT {TRIGGERS}/t?overwrite=false")]);
    let body = r#"{"parameters":[{"key":"k","value":"v"}],"annotations":[{"key":"n","value":1}]}"#;
    assert_eq!(ended.request(0).body, body);
    let ended = wsk(vec![refusal(404, "gone"), ok("{}")], &["trigger", "update", "t"]).well();
    assert_eq!(ended.lines(), [format!("GET {TRIGGERS}/t"), format!("PUT {TRIGGERS}/t?overwrite=true")]);
    assert_eq!((ended.request(1).body.as_str(), ended.out.as_str()), ("{}", "ok: updated trigger t\n"));
}

#[test]
fn a_feed_hears_of_its_new_trigger() {
    let words =
        ["trigger", "create", "t", "--feed", "p/f", "-F", "cron", "* *", "-p", "x", "1", "-T", "y", "2"];
    let ended = wsk(vec![ok("{}"), ok(DONE)], &words).well();
    assert_eq!(ended.lines(), [format!("PUT {TRIGGERS}/t?overwrite=false"), FEED.to_owned()]);
    let body = r#"{"parameters":[{"key":"y","value":2}],"annotations":[{"key":"feed","value":"/_/p/f"}]}"#;
    assert_eq!(ended.request(0).body, body);
    assert_eq!(ended.request(1).body, format!(r#"{{"x":1,"cron":"* *",{}"#, told("CREATE")));
    assert!(ended.out.starts_with("ok: invoked /_/p/f with id abc\n{\n"), "{}", ended.out);
    assert!(ended.out.ends_with("}\nok: created trigger t\n"), "{}", ended.out);
}

#[test]
fn a_feed_that_fails_takes_its_trigger_along() {
    for (feed, code, reason) in [
        (answer(502, FAILED), 246, "the feed '/_/p/f' failed"),
        (answer(202, r#"{"activationId":"abc"}"#), 202, "the feed '/_/p/f' did not answer in time"),
        (refusal(404, "not here"), 148, "not here (code tid1)"),
    ] {
        let ended = wsk(vec![ok("{}"), feed, ok("{}")], &["trigger", "create", "t", "-f", "p/f"]);
        assert_eq!(ended.lines()[2], format!("DELETE {TRIGGERS}/t"));
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{}", ended.err);
        let error = format!("error: Unable to create trigger 't': {reason}\n");
        assert!(ended.err.ends_with(&error), "{}", ended.err);
    }
}

#[test]
fn a_feed_tells_of_its_trigger_and_the_trigger_of_itself() {
    let ended = wsk(vec![ok(FED), ok(DONE)], &["trigger", "get", "t"]).well();
    assert_eq!(ended.lines(), [format!("GET {TRIGGERS}/t"), FEED.to_owned()]);
    assert_eq!(ended.request(1).body, format!("{{{}", told("READ")));
    assert!(ended.out.contains(r#""lifecycleEvent": "READ""#), "{}", ended.out);
    let ended = wsk(vec![ok(FED)], &["trigger", "get", "t", "name"]).well();
    assert_eq!(ended.out, "ok: got trigger t, displaying field name\n\"t\"\n");
    let ended = wsk(vec![ok(FED)], &["trigger", "get", "t", "-s"]).well();
    assert_eq!(ended.out, "trigger /ns/t\n   (parameters: none defined)\n");
}

#[test]
fn an_update_reaches_the_feed_and_keeps_it() {
    let words = ["trigger", "update", "t", "-F", "cron", "1", "-a", "n", "1"];
    let ended = wsk(vec![ok(FED), ok("{}"), ok(DONE)], &words).well();
    let body = r#"{"annotations":[{"key":"n","value":1},{"key":"feed","value":"/_/p/f"}]}"#;
    assert_eq!(ended.request(1).body, body);
    assert_eq!(ended.request(2).body, format!(r#"{{"cron":1,{}"#, told("UPDATE")));
}

#[test]
fn a_trigger_goes_whatever_its_feed_says() {
    let ended = wsk(vec![ok(FED), ok(DONE), ok("{}")], &["trigger", "delete", "t"]).well();
    assert_eq!(ended.lines()[1..], [FEED.to_owned(), format!("DELETE {TRIGGERS}/t")]);
    assert_eq!(ended.request(1).body, format!("{{{}", told("DELETE")));
    assert!(ended.out.ends_with("ok: deleted trigger t\n"), "{}", ended.out);
    let ended = wsk(vec![ok(FED), refusal(404, "gone"), ok("{}")], &["trigger", "delete", "t"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "ok: deleted trigger t\n"));
    assert!(ended.err.starts_with("warning: "), "{}", ended.err);
}

#[test]
fn firing_tells_the_activation_if_there_is_one() {
    let ended =
        wsk(vec![answer(202, r#"{"activationId":"abc"}"#)], &["trigger", "fire", "t", "-p", "x", "1"]).well();
    assert_eq!(ended.out, "ok: triggered /_/t with id abc\n");
    assert_eq!(ended.lines(), [format!("POST {TRIGGERS}/t")]);
    assert_eq!(ended.request(0).body, r#"{"x":1}"#);
    let ended = wsk(vec![answer(204, "")], &["trigger", "fire", "/ns/t"]).well();
    assert_eq!(ended.out, "ok: triggered /ns/t with id \n");
    assert_eq!(wsk(vec![refusal(404, "gone")], &["trigger", "fire", "t"]).code, 148);
}
