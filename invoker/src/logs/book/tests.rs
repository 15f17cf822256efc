//! Scripts of what a container says, and what becomes of it.

use super::*;

const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n";
const MEGABYTE: usize = 1 << 20;
const BROKEN: &str = "The action did not initialize or run as expected. Log data might be missing.";
const INCOMPLETE: &str = "There was an issue while collecting your logs. Data might be missing.";

fn at(millis: u64) -> Moment {
    Moment::from_millis(millis)
}

fn chunk(stream: Stream, text: &str) -> OutputChunk {
    OutputChunk { stream, bytes: text.to_owned().into() }
}

fn page(ticket: u32) -> Page<u32> {
    Page { ticket, broken: false }
}

/// Says something on a stream at time zero and gives the tickets and texts that are then complete.
fn say(book: &mut LogBook<u32>, stream: Stream, text: &str) -> Vec<(u32, Vec<String>)> {
    texts(book.hear(&chunk(stream, text), SystemTime::UNIX_EPOCH, at(0)))
}

fn texts(finished: Vec<Finished<u32>>) -> Vec<(u32, Vec<String>)> {
    let text = |l: &String| l[31..].to_owned();
    finished.into_iter().map(|f| (f.ticket, f.lines.iter().map(text).collect())).collect()
}

#[test]
fn the_nth_mark_of_each_stream_ends_the_nth_activation() {
    let mut book = LogBook::new(true);
    let first = book.begin(ActivationId::from_bits(1), MEGABYTE);
    assert!(book.end(first, page(1), at(0)).is_empty());
    let second = book.begin(ActivationId::from_bits(1), MEGABYTE);
    assert!(say(&mut book, Stream::Stdout, &format!("a\n{MARK}b\n{MARK}")).is_empty());
    let done = say(&mut book, Stream::Stderr, &format!("e\n{MARK}f\n"));
    assert_eq!(done, [(1, vec!["stdout: a".into(), "stderr: e".into()])]);
    assert!(say(&mut book, Stream::Stderr, MARK).is_empty());
    assert_eq!(texts(book.end(second, page(2), at(0))), [(2, vec!["stdout: b".into(), "stderr: f".into()])]);
}

#[test]
fn a_mark_may_follow_words_that_end_without_a_newline() {
    let mut book = LogBook::new(true);
    let number = book.begin(ActivationId::from_bits(1), MEGABYTE);
    say(&mut book, Stream::Stdout, &format!("no newline{MARK}"));
    say(&mut book, Stream::Stderr, MARK);
    assert_eq!(texts(book.end(number, page(1), at(0))), [(1, vec!["stdout: no newline".into()])]);
}

#[test]
fn what_nobody_said_goes_to_the_next_one() {
    let mut book = LogBook::new(true);
    say(&mut book, Stream::Stdout, "early\n");
    let number = book.begin(ActivationId::from_bits(1), MEGABYTE);
    say(&mut book, Stream::Stdout, MARK);
    say(&mut book, Stream::Stderr, MARK);
    assert_eq!(texts(book.end(number, page(1), at(0))), [(1, vec!["stdout: early".into()])]);
}

#[test]
fn too_much_is_cut_with_a_warning_and_condemns() {
    let mut book = LogBook::new(true);
    let number = book.begin(ActivationId::from_bits(1), 60);
    say(&mut book, Stream::Stdout, &format!("four\n{}\nsix\n{MARK}", "long".repeat(14)));
    say(&mut book, Stream::Stderr, MARK);
    let finished = book.end(number, page(1), at(0));
    assert!(finished[0].condemns);
    let warning = "stderr: Logs were truncated because the total bytes size exceeds the limit of 60 bytes.";
    assert_eq!(texts(finished), [(1, vec!["stdout: four".into(), warning.into()])]);
}

#[test]
fn marks_that_do_not_come_are_waited_for_two_silent_seconds() {
    let mut book = LogBook::new(true);
    let number = book.begin(ActivationId::from_bits(1), MEGABYTE);
    book.end(number, page(1), at(0));
    book.hear(&chunk(Stream::Stdout, "x\n"), SystemTime::UNIX_EPOCH, at(1000));
    assert!(book.tick(at(2999)).is_empty());
    let finished = book.tick(at(3000));
    assert!(finished[0].condemns);
    assert_eq!(texts(finished), [(1, vec!["stdout: x".into(), format!("stderr: {INCOMPLETE}")])]);
}

#[test]
fn while_nothing_can_be_heard_no_log_is_given_up() {
    let mut book = LogBook::new(true);
    let numbers = [1, 2].map(|bits| book.begin(ActivationId::from_bits(bits), MEGABYTE));
    book.end(numbers[0], page(1), at(0));
    assert!((book.is_overdue(at(1999)), book.is_overdue(at(2000))) == (false, true));
    assert!(book.end(numbers[1], page(2), at(9000)).is_empty(), "that another one ended says nothing");
    for now in [9500, 30_000] {
        book.excuse(at(now));
        assert!(book.tick(at(now)).is_empty() && !book.is_overdue(at(now)));
    }
    let late = format!("a\n{MARK}b\n{MARK}");
    book.hear(&chunk(Stream::Stdout, &late), SystemTime::UNIX_EPOCH, at(31_000));
    let marks =
        book.hear(&chunk(Stream::Stderr, &format!("{MARK}{MARK}")), SystemTime::UNIX_EPOCH, at(31_000));
    assert!(marks.iter().all(|finished| !finished.condemns));
    assert_eq!(texts(marks), [(1, vec!["stdout: a".into()]), (2, vec!["stdout: b".into()])]);
}

#[test]
fn a_broken_containers_log_is_complete_when_its_streams_end() {
    let mut book = LogBook::new(true);
    let number = book.begin(ActivationId::from_bits(1), MEGABYTE);
    book.end(number, Page { ticket: 1, broken: true }, at(0));
    say(&mut book, Stream::Stdout, "no newline");
    let finished = book.close(SystemTime::UNIX_EPOCH, at(1));
    assert_eq!(texts(finished), [(1, vec!["stdout: no newline".into(), format!("stderr: {BROKEN}")])]);
}

#[test]
fn a_log_limit_of_zero_keeps_nothing_and_warns_of_nothing() {
    let mut book = LogBook::new(true);
    let number = book.begin(ActivationId::from_bits(1), 0);
    say(&mut book, Stream::Stdout, &format!("x\n{MARK}"));
    say(&mut book, Stream::Stderr, MARK);
    let finished = book.end(number, page(1), at(0));
    assert_eq!(finished, [Finished { ticket: 1, lines: vec![], condemns: false }]);
}

#[test]
fn images_without_marks_are_not_waited_for_long() {
    let mut book = LogBook::new(false);
    let number = book.begin(ActivationId::from_bits(1), MEGABYTE);
    say(&mut book, Stream::Stdout, "x\n");
    assert!(book.end(number, page(1), at(0)).is_empty());
    let finished = book.tick(at(100));
    assert!(!finished[0].condemns);
    assert_eq!(texts(finished), [(1, vec!["stdout: x".into()])]);
}

#[test]
fn marks_that_no_activation_waits_for_end_nothing() {
    let mut book = LogBook::new(true);
    for stream in [Stream::Stdout, Stream::Stderr] {
        say(&mut book, stream, MARK);
    }
    let number = book.begin(ActivationId::from_bits(1), MEGABYTE);
    assert!(book.end(number, page(1), at(0)).is_empty());
    say(&mut book, Stream::Stdout, &format!("a\n{MARK}"));
    assert_eq!(say(&mut book, Stream::Stderr, MARK), [(1, vec!["stdout: a".into()])]);
}

#[test]
fn once_a_stream_has_the_proxys_own_marks_no_other_ends_anything() {
    let mut book = LogBook::new(true);
    book.ask_for_own_marks("c0de");
    let own = format!("c0de {MARK}");
    // What comes at the start ends nothing, though an activation may have begun before it is heard.
    let first = book.begin(id(1), MEGABYTE);
    for stream in [Stream::Stdout, Stream::Stderr] {
        say(&mut book, stream, &own);
    }
    assert!(book.end(first, page(1), at(0)).is_empty());
    let second = book.begin(id(2), MEGABYTE);
    say(&mut book, Stream::Stdout, &format!("a\n{MARK}b{MARK}{MARK}c\nno newline{own}d\n"));
    let one = say(&mut book, Stream::Stderr, &format!("{MARK}{own}"));
    let lines = ["a", "b", "c", "no newline"].map(|text| format!("stdout: {text}"));
    assert_eq!(one, [(1, lines.to_vec())]);
    book.end(second, page(2), at(0));
    say(&mut book, Stream::Stdout, &own);
    assert_eq!(say(&mut book, Stream::Stderr, &own), [(2, vec!["stdout: d".into()])]);
}

#[test]
fn a_proxy_that_knows_no_own_marks_is_read_as_ever() {
    let mut book = LogBook::new(true);
    book.ask_for_own_marks("c0de");
    let number = book.begin(id(1), MEGABYTE);
    say(&mut book, Stream::Stdout, &format!("a\n{MARK}"));
    say(&mut book, Stream::Stderr, MARK);
    assert_eq!(texts(book.end(number, page(1), at(0))), [(1, vec!["stdout: a".into()])]);
}

const WORD: &str = "5eaf00d";

fn id(number: u32) -> ActivationId {
    ActivationId::from_bits(number.into())
}

/// The line that this activation writes.
fn tagged(number: u32, text: &str) -> String {
    format!("{WORD} {} {text}\n", id(number))
}

/// A book whose container tags its lines, with these activations under way.
fn shared_by(activations: &[u32]) -> (LogBook<u32>, Vec<u64>) {
    let mut book = LogBook::new(true);
    book.ask_for_tags(WORD);
    let numbers = activations.iter().map(|number| book.begin(id(*number), MEGABYTE)).collect();
    book.share(Sharing::Tagged);
    (book, numbers)
}

#[test]
fn lines_that_say_whose_they_are_go_there_and_logs_end_in_any_order() {
    let (mut book, numbers) = shared_by(&[1, 2, 3]);
    let lines = [tagged(2, "b"), tagged(1, "a"), tagged(2, MARK.trim_end()), tagged(1, ""), tagged(3, "c")];
    assert!(say(&mut book, Stream::Stdout, &lines.concat()).is_empty());
    assert!(book.end(numbers[1], page(2), at(0)).is_empty());
    let marks = [tagged(2, "e"), tagged(2, MARK.trim_end()), tagged(3, MARK.trim_end())];
    assert_eq!(
        say(&mut book, Stream::Stderr, &marks.concat()),
        [(2, vec!["stdout: b".into(), "stderr: e".into()])]
    );
    say(&mut book, Stream::Stderr, &tagged(1, MARK.trim_end()));
    // Late words of one that has ended are nobody's.
    say(&mut book, Stream::Stdout, &[tagged(2, "late"), tagged(1, MARK.trim_end())].concat());
    assert_eq!(
        texts(book.end(numbers[0], page(1), at(0))),
        [(1, vec!["stdout: a".into(), "stdout: ".into()])]
    );
    say(&mut book, Stream::Stdout, &tagged(3, MARK.trim_end()));
    assert_eq!(texts(book.end(numbers[2], page(3), at(0))), [(3, vec!["stdout: c".into()])]);
}

#[test]
fn what_is_nobodys_goes_to_who_has_been_running_longest() {
    let (mut book, numbers) = shared_by(&[1, 2]);
    let raw = format!("raw\n{WORD} - none\nhalf{}", tagged(2, "whole"));
    say(&mut book, Stream::Stdout, &raw);
    // Marks that do not say whose they are end nothing here.
    say(&mut book, Stream::Stdout, MARK);
    for stream in [Stream::Stdout, Stream::Stderr] {
        say(&mut book, stream, &[tagged(1, MARK.trim_end()), tagged(2, MARK.trim_end())].concat());
    }
    let done = texts(book.end(numbers[0], page(1), at(0)));
    assert_eq!(done, [(1, vec!["stdout: raw".into(), "stdout: none".into(), "stdout: half".into()])]);
    assert_eq!(texts(book.end(numbers[1], page(2), at(0))), [(2, vec!["stdout: whole".into()])]);
}

#[test]
fn one_that_says_too_much_does_not_shorten_the_logs_of_others() {
    let mut book = LogBook::new(true);
    book.ask_for_tags(WORD);
    let numbers = [book.begin(id(1), 30), book.begin(id(2), 30), book.begin(id(3), 0)];
    book.share(Sharing::Tagged);
    let lines = [tagged(1, "too much, which is cut off here"), tagged(2, "ok"), tagged(3, "unwanted")];
    let marks = [1, 2, 3].map(|number| tagged(number, MARK.trim_end())).concat();
    say(&mut book, Stream::Stdout, &(lines.concat() + &marks));
    say(&mut book, Stream::Stderr, &marks);
    let finished: Vec<_> =
        numbers.iter().zip(1..).flat_map(|(number, ticket)| book.end(*number, page(ticket), at(0))).collect();
    assert_eq!(finished.iter().map(|log| log.condemns).collect::<Vec<_>>(), [true, false, false]);
    let texts = texts(finished);
    assert!(texts[0].1.len() == 1 && texts[0].1[0].contains("limit of 30 bytes"));
    assert_eq!(texts[1..], [(2, vec!["stdout: ok".into()]), (3, vec![])]);
}

#[test]
fn a_mark_that_does_not_come_is_missed_by_its_own_activation_alone() {
    let (mut book, numbers) = shared_by(&[1, 2]);
    book.end(numbers[0], Page { ticket: 1, broken: true }, at(0));
    for stream in [Stream::Stdout, Stream::Stderr] {
        book.hear(&chunk(stream, &tagged(2, MARK.trim_end())), SystemTime::UNIX_EPOCH, at(500));
    }
    assert_eq!(texts(book.end(numbers[1], page(2), at(600))), [(2, vec![])]);
    assert!(book.tick(at(2499)).is_empty());
    let finished = book.tick(at(2500));
    assert!(finished[0].condemns);
    assert_eq!(texts(finished), [(1, vec![format!("stderr: {BROKEN}")])]);
}

#[test]
fn an_image_that_cannot_tell_lines_apart_has_no_logs_and_is_not_waited_for() {
    let mut book = LogBook::new(false);
    book.ask_for_tags(WORD);
    let numbers = [book.begin(id(1), MEGABYTE), book.begin(id(2), 0)];
    say(&mut book, Stream::Stdout, "whose?\n");
    book.share(Sharing::Unmarked);
    let note = "stderr: Logs of activations that share a container are not recorded: the image does not say whose a \
                line is.";
    let finished = book.end(numbers[0], page(1), at(0));
    assert!(!finished[0].condemns);
    assert_eq!(texts(finished), [(1, vec![note.to_owned()])]);
    assert_eq!(
        book.end(numbers[1], page(2), at(0)),
        [Finished { ticket: 2, lines: vec![], condemns: false }]
    );
}

#[test]
fn an_image_that_takes_one_at_a_time_is_read_as_ever() {
    let mut book = LogBook::new(true);
    book.ask_for_tags(WORD);
    let number = book.begin(id(1), MEGABYTE);
    book.share(Sharing::OneAtATime);
    say(&mut book, Stream::Stdout, &format!("a\n{MARK}"));
    say(&mut book, Stream::Stderr, MARK);
    assert_eq!(texts(book.end(number, page(1), at(0))), [(1, vec!["stdout: a".into()])]);
}

#[test]
fn a_failed_init_ends_with_plain_marks() {
    let mut book = LogBook::new(true);
    book.ask_for_tags(WORD);
    let number = book.begin(id(1), MEGABYTE);
    say(&mut book, Stream::Stdout, MARK);
    say(&mut book, Stream::Stderr, &format!("{WORD} - no such module\n{MARK}"));
    let finished = book.end(number, Page { ticket: 1, broken: true }, at(0));
    assert_eq!(texts(finished), [(1, vec!["stderr: no such module".into()])]);
}

#[test]
fn what_was_said_before_is_bounded_by_the_limit_too() {
    let mut book = LogBook::new(true);
    say(&mut book, Stream::Stdout, "early\n");
    let number = book.begin(id(1), 0);
    for stream in [Stream::Stdout, Stream::Stderr] {
        say(&mut book, stream, MARK);
    }
    assert_eq!(texts(book.end(number, page(1), at(0))), [(1, vec![])]);
}
