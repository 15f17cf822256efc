//! Which line belongs to which activation. Pure: bytes and times come in, finished logs go out.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use whirl_containers::factory::{OutputChunk, Stream};
use whirl_model::ActivationId;
use whirl_scheduling::Moment;

use super::lines::{END_MARK, Lines};

/// So long after an activation ended its logs are waited for while nothing more is said.
const SILENCE: Duration = Duration::from_secs(2);
/// Kept of what is said while no activation is there to say it.
const STRAY_BYTES: usize = 64 << 10;

const BROKEN: &str = "The action did not initialize or run as expected. Log data might be missing.";
const INCOMPLETE: &str = "There was an issue while collecting your logs. Data might be missing.";

/// Where an activation's log goes once it is complete.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// Comes back with the log.
    pub(crate) ticket: T,
    /// Whether the container may not have written its end marks.
    pub(crate) broken: bool,
}

/// An activation's log while it is written.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The lines up to now.
    pub(crate) so_far: Vec<String>,
    /// Those that follow; ends with the log.
    pub(crate) more: UnboundedReceiver<String>,
}

/// An activation's complete log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished<T> {
    pub(crate) ticket: T,
    pub(crate) lines: Vec<String>,
    /// The container said more than was allowed, or did not say where it ended: it must not be used again.
    pub(crate) condemns: bool,
}

/// The logs of one container.
#[derive(Debug)]
pub(crate) struct LogBook<T> {
    /// Whether the container writes end marks.
    marked: bool,
    partial: [Lines; 2],
    /// How many end marks each stream has seen.
    marks: [u64; 2],
    /// Activations whose log is not complete; the first one's number is `first`.
    open: VecDeque<Entry<T>>,
    first: u64,
    /// Said while no activation was there: the next one gets it.
    stray: Vec<String>,
    stray_bytes: usize,
    last_heard: Moment,
    ended: bool,
}

#[derive(Debug)]
struct Entry<T> {
    activation: ActivationId,
    watchers: Vec<UnboundedSender<String>>,
    limit: usize,
    bytes: usize,
    lines: Vec<String>,
    truncated: bool,
    /// Set when the run has ended, with that time.
    page: Option<(Page<T>, Moment)>,
}

impl<T> LogBook<T> {
    pub(crate) fn new(marked: bool) -> Self {
        Self {
            marked,
            partial: Default::default(),
            marks: [0; 2],
            open: VecDeque::new(),
            first: 0,
            stray: Vec::new(),
            stray_bytes: 0,
            last_heard: Moment::ZERO,
            ended: false,
        }
    }

    /// An activation is about to run; its log may hold `limit` bytes. Gives the number to end it by.
    pub(crate) fn begin(&mut self, activation: ActivationId, limit: usize) -> u64 {
        let lines = std::mem::take(&mut self.stray);
        let bytes = std::mem::take(&mut self.stray_bytes);
        self.open.push_back(Entry {
            activation,
            watchers: Vec::new(),
            limit,
            bytes,
            lines,
            truncated: false,
            page: None,
        });
        self.first + self.open.len() as u64 - 1
    }

    /// The log of an activation that is not complete yet.
    pub(crate) fn watch(&mut self, activation: ActivationId) -> Option<Watch> {
        let entry = self.open.iter_mut().find(|entry| entry.activation == activation)?;
        let (sender, more) = unbounded_channel();
        entry.watchers.push(sender);
        Some(Watch { so_far: entry.lines.clone(), more })
    }

    /// An activation did not run here after all.
    pub(crate) fn cancel(&mut self, number: u64) {
        if number + 1 == self.first + self.open.len() as u64 {
            self.open.pop_back();
        }
    }

    /// An activation's run has ended. Its log comes back here if it is complete already.
    pub(crate) fn end(&mut self, number: u64, page: Page<T>, now: Moment) -> Vec<Finished<T>> {
        let index = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(entry) = self.open.get_mut(index) {
            entry.page = Some((page, now));
        }
        self.complete(now)
    }

    /// Takes what the container said. `clock` stamps the lines.
    pub(crate) fn hear(&mut self, chunk: &OutputChunk, clock: SystemTime, now: Moment) -> Vec<Finished<T>> {
        self.last_heard = now;
        let which = usize::from(chunk.stream == Stream::Stderr);
        let mut lines = std::mem::take(&mut self.partial[which]);
        lines.feed(&chunk.bytes, |line| self.line(chunk.stream, line, clock));
        self.partial[which] = lines;
        self.complete(now)
    }

    /// The container's streams have ended: nothing more will come.
    pub(crate) fn close(&mut self, clock: SystemTime, now: Moment) -> Vec<Finished<T>> {
        for (which, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            let mut lines = std::mem::take(&mut self.partial[which]);
            lines.finish(|line| self.line(stream, line, clock));
        }
        self.ended = true;
        self.complete(now)
    }

    /// Gives up logs that were waited for long enough.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Finished<T>> {
        self.complete(now)
    }

    fn line(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        let which = usize::from(stream == Stream::Stderr);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // What was said without a newline at its end stands before the mark, on the mark's line.
        if let Some(said) = line.strip_suffix(END_MARK) {
            if !said.is_empty() {
                self.said(stream, said, clock);
            }
            // A mark that no activation waits for is somebody else's doing and ends nothing.
            if self.marks[which] < self.first + self.open.len() as u64 {
                self.marks[which] += 1;
            }
        } else {
            self.said(stream, line, clock);
        }
    }

    fn said(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        let which = usize::from(stream == Stream::Stderr);
        let index = if self.marked { self.marks[which].saturating_sub(self.first) } else { 0 };
        let entry = usize::try_from(index).ok().and_then(|i| self.open.get_mut(i));
        match entry {
            Some(entry) => entry.push(stream, line, clock),
            None if self.stray_bytes + line.len() <= STRAY_BYTES => {
                self.stray_bytes += line.len() + 1;
                self.stray.push(format_line(stream, line, clock));
            }
            None => {}
        }
    }

    fn complete(&mut self, now: Moment) -> Vec<Finished<T>> {
        let mut finished = Vec::new();
        while let Some((_, since)) = self.open.front().and_then(|e| e.page.as_ref()) {
            let whole = self.marked && self.marks.iter().all(|marks| *marks > self.first);
            let quiet = now.saturating_sub(self.last_heard.max(*since));
            let limit = self.open[0].limit;
            let longest = Duration::from_secs(2) * u32::try_from((limit >> 20).max(5)).unwrap_or(5);
            let patience = if self.marked { SILENCE } else { Duration::from_millis(100) };
            let given_up = self.ended || quiet >= patience || now.saturating_sub(*since) >= longest;
            if !whole && !given_up {
                break;
            }
            let Some(entry) = self.open.pop_front() else { break };
            self.first += 1;
            let lacks_marks = self.marked && !whole;
            if lacks_marks {
                self.marks = self.marks.map(|marks| marks.max(self.first));
            }
            finished.extend(entry.finish(lacks_marks));
        }
        finished
    }
}

impl<T> Entry<T> {
    fn push(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        if self.truncated || self.limit == 0 {
            return;
        }
        self.bytes += line.len() + 1;
        if self.bytes > self.limit {
            self.truncated = true;
            let warning = format!(
                "Logs were truncated because the total bytes size exceeds the limit of {} bytes.",
                self.limit
            );
            self.keep(format_line(Stream::Stderr, warning.as_bytes(), clock));
        } else {
            self.keep(format_line(stream, line, clock));
        }
    }

    fn keep(&mut self, line: String) {
        self.watchers.retain(|watcher| watcher.send(line.clone()).is_ok());
        self.lines.push(line);
    }

    fn finish(mut self, lacks_marks: bool) -> Option<Finished<T>> {
        let (page, _) = self.page.take()?;
        if lacks_marks && self.limit > 0 {
            let warning = if page.broken { BROKEN } else { INCOMPLETE };
            self.keep(format_line(Stream::Stderr, warning.as_bytes(), SystemTime::now()));
        }
        Some(Finished { ticket: page.ticket, lines: self.lines, condemns: self.truncated || lacks_marks })
    }
}

/// `TIMESTAMP stdout: TEXT`, the stamp in RFC 3339 with nanoseconds, padded to 30 columns.
fn format_line(stream: Stream, line: &[u8], clock: SystemTime) -> String {
    let stamp = humantime::format_rfc3339_nanos(clock);
    let text = String::from_utf8_lossy(line);
    format!("{stamp:<30} {}: {text}", stream.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n";
    const MEGABYTE: usize = 1 << 20;

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
        assert_eq!(
            texts(book.end(second, page(2), at(0))),
            [(2, vec!["stdout: b".into(), "stderr: f".into()])]
        );
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
        let number = book.begin(ActivationId::from_bits(1), 8);
        say(&mut book, Stream::Stdout, &format!("four\nfive\nsix\n{MARK}"));
        say(&mut book, Stream::Stderr, MARK);
        let finished = book.end(number, page(1), at(0));
        assert!(finished[0].condemns);
        let warning =
            "stderr: Logs were truncated because the total bytes size exceeds the limit of 8 bytes.";
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
}
