//! Invoking actions: what is asked, where the answer goes, how it shows in the exit code.

use super::support::{answer, file, ok, refusal, wsk};

const POST: &str = "POST /api/v1/namespaces/_/actions";
const ID: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn without_waiting_the_id_is_told() {
    let script = vec![answer(202, &format!(r#"{{"activationId":"{ID}"}}"#))];
    let ended = wsk(script, &["action", "invoke", "p/a"]).well();
    assert_eq!(ended.out, format!("ok: invoked /_/p/a with id {ID}\n"));
    assert_eq!(ended.lines(), [format!("{POST}/p/a?blocking=false&result=false")]);
    let request = ended.request(0);
    assert_eq!((request.header("content-length"), request.header("content-type")), (Some("0"), None));
}

#[test]
fn a_result_is_printed_alone_and_to_the_letter() {
    let script = vec![ok(r#"{"n":123456789012345678901234567890,"f":1.0,"s":"<&> \u2028"}"#)];
    let words = ["action", "invoke", "-r", "a", "-p", "x", "-1", "-p", "y", "", "-p", "z", "--flag"];
    let ended = wsk(script, &words).well();
    assert_eq!(
        ended.out,
        "{\n    \"n\": 123456789012345678901234567890,\n    \"f\": 1.0,\n    \"s\": \"<&> \\u2028\"\n}\n"
    );
    assert_eq!(ended.lines(), [format!("{POST}/a?blocking=true&result=true")]);
    assert_eq!(ended.request(0).body, r#"{"x":-1,"y":"","z":"--flag"}"#);
}

#[test]
fn a_record_follows_the_ok_line() {
    let record = format!(r#"{{"activationId":"{ID}","response":{{"success":true}}}}"#);
    let ended = wsk(vec![ok(&record)], &["action", "invoke", "a", "--blocking"]).well();
    assert_eq!(ended.lines(), [format!("{POST}/a?blocking=true&result=false")]);
    let start = format!("ok: invoked /_/a with id {ID}\n{{\n    \"activationId\": \"{ID}\",\n");
    assert!(ended.out.starts_with(&start), "{}", ended.out);
}

#[test]
fn a_failed_action_is_shown_on_standard_error() {
    let record = format!(r#"{{"activationId":"{ID}","response":{{"success":false}}}}"#);
    let ended = wsk(vec![answer(502, &record)], &["action", "invoke", "a", "-b"]);
    assert_eq!((ended.code, ended.out.as_str()), (246, ""));
    assert!(ended.err.starts_with(&format!("ok: invoked /_/a with id {ID}\n{{\n")), "{}", ended.err);

    let look_alike =
        answer(502, r#"{"error":"no","code":"42"}"#).with_header("x-openwhisk-activation-id", ID);
    let ended = wsk(vec![look_alike], &["action", "invoke", "a", "-r"]);
    assert_eq!(ended.code, 246);
    assert_eq!(ended.err, "{\n    \"error\": \"no\",\n    \"code\": \"42\"\n}\n");
}

#[test]
fn an_unfinished_activation_exits_202() {
    let script = vec![answer(202, &format!(r#"{{"activationId":"{ID}"}}"#))];
    let ended = wsk(script, &["action", "invoke", "/ns/a", "-r"]);
    assert_eq!(ended.code, 202);
    let told = format!("ok: invoked /ns/a, but the request has not yet finished, with id {ID}\n");
    assert_eq!((ended.out.as_str(), ended.err), ("", told));
}

#[test]
fn large_arguments_wait_for_leave_and_arrive_whole() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = format!(r#"{{"s":"{}"}}"#, "x".repeat(1_200_000));
    let path = file(folder.path(), "huge.json", arguments.as_bytes());
    let ended = wsk(vec![refusal(413, "too large")], &["action", "invoke", "a", "-P", &path]);
    assert_eq!(ended.code, 157, "{}", ended.err);
    assert_eq!(ended.request(0).header("expect"), Some("100-continue"));
    assert!(ended.request(0).body == arguments, "{} bytes arrived", ended.request(0).body.len());
}

#[test]
fn a_refusal_is_an_error() {
    for (status, code) in [(404, 148), (413, 157), (429, 173), (502, 246), (503, 247)] {
        let ended = wsk(vec![refusal(status, "no")], &["action", "invoke", "a", "-b"]);
        assert_eq!(ended.code, code);
        assert_eq!(ended.err, "error: Unable to invoke action 'a': no (code tid1)\n");
    }
    let ended = wsk(vec![answer(500, "oops")], &["action", "invoke", "a"]);
    assert_eq!(ended.code, 244);
    assert!(ended.err.contains("(HTTP status code 500)"), "{}", ended.err);
}
