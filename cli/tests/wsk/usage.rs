//! Mistakes in the command line, help, and servers that are not there.

use super::support::{answer, run, wsk};

#[test]
fn mistakes_exit_2_and_point_to_the_help() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.zip"), "PK").unwrap();
    for words in [
        &["frobnicate"][..],
        &["action", "create"],
        &["action", "create", "a"],
        &["action", "create", "a", "a.zip"],
        &["action", "get", "a", "--frobnicate"],
        &["action", "get", ""],
        &["action", "invoke", "a", "-p", "lonely"],
        &["action", "list", "--limit", "many"],
        &["activation", "get"],
        &["property", "set"],
        &["property", "unset"],
        &["sdk", "install", "foobar"],
    ] {
        let ended =
            run(folder.path(), &[("WHISK_APIHOST", "http://127.0.0.1:1"), ("WHISK_AUTH", "a:b")], words);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{words:?}: {}", ended.err);
        assert!(ended.err.starts_with("error: "), "{words:?}: {}", ended.err);
        assert!(ended.err.ends_with("\nRun 'wsk --help' for usage.\n"), "{words:?}: {}", ended.err);
    }
}

#[test]
fn help_is_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&[][..], &["--help"], &["action"], &["action", "create", "-h"], &["help", "action"]] {
        let ended = run(folder.path(), &[], words).well();
        assert!(ended.out.contains("Usage: wsk"), "{words:?}: {}", ended.out);
    }
}

#[test]
fn files_that_cannot_be_read_exit_1() {
    for words in [
        &["action", "create", "a", "/no/such/file.js"][..],
        &["action", "invoke", "a", "-P", "/no/such/file.json"],
    ] {
        let ended = wsk(vec![], words);
        assert_eq!(ended.code, 1, "{}", ended.err);
        assert!(ended.err.contains("/no/such/file") && ended.err.contains("No such file"), "{}", ended.err);
    }
}

#[test]
fn a_server_that_is_away_exits_3_and_one_that_talks_nonsense_4() {
    let away = wsk(vec![], &["action", "list"]);
    assert_eq!(away.code, 3);
    let start = "error: Unable to obtain the list of actions for namespace 'default': no answer from http://127.0.0.1:";
    assert!(away.err.starts_with(start), "{}", away.err);
    let nonsense = wsk(vec![answer(200, "<html>")], &["action", "list"]);
    assert_eq!(nonsense.code, 4, "{}", nonsense.err);
}

#[test]
fn the_completion_script_is_printed_or_saved() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run(folder.path(), &[], &["sdk", "install", "bashauto", "--stdout"]).well();
    assert!(printed.out.contains("bash completion"));
    run(folder.path(), &[], &["sdk", "install", "bashauto"]).well();
    let saved = std::fs::read_to_string(folder.path().join("wsk_cli_bash_completion.sh")).unwrap();
    assert_eq!(saved.trim_end(), printed.out.trim_end());
}
