//! One activation's log while it is written: what is kept of it, and how its end shows. Who watches it is in `watch.rs`.

use std::fmt::Write;
use std::time::SystemTime;

use whirl_containers::factory::Stream;
use whirl_model::ActivationId;
use whirl_scheduling::Moment;

use super::watch::{Watch, Watchers};
use super::{Finished, Page};

const BROKEN: &str = "The action did not initialize or run as expected. Log data might be missing.";
const INCOMPLETE: &str = "There was an issue while collecting your logs. Data might be missing.";
const UNRECORDED: &str =
    "Logs of activations that share a container are not recorded: the image does not say whose a line is.";

/// Bytes that stand before a line's text.
const PREFIX: usize = "0000-00-00T00:00:00.000000000Z stdout: ".len();

/// How a log came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All that there was to come has come.
    Whole,
    /// Its end marks were waited for in vain.
    MarksMissing,
    /// Nothing was recorded, as nobody could tell whose lines they were.
    Unrecorded,
}

#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) number: u64,
    pub(super) activation: ActivationId,
    /// Whether each stream's end mark has come.
    pub(super) marks: [bool; 2],
    /// Set when the run has ended, with that time.
    pub(super) page: Option<(Page<T>, Moment)>,
    /// Bytes of text, each line with its newline. The lines with their stamps, as they are kept, may have twice that.
    pub(super) limit: usize,
    said: usize,
    kept: usize,
    lines: Vec<String>,
    truncated: bool,
    watchers: Watchers,
}

impl<T> Entry<T> {
    pub(super) fn new(number: u64, activation: ActivationId, limit: usize) -> Self {
        Self {
            number,
            activation,
            marks: [false; 2],
            page: None,
            limit,
            said: 0,
            kept: 0,
            lines: Vec::new(),
            truncated: false,
            watchers: Watchers::default(),
        }
    }

    /// Takes a line as far as the limit allows; a last one says that it was passed.
    pub(super) fn push(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        if self.truncated || self.limit == 0 {
            return;
        }
        let formatted = format_line(stream, line, clock);
        self.said += line.len() + 1;
        self.kept += formatted.len() + 1;
        if self.said <= self.limit && self.kept <= 2 * self.limit {
            return self.keep(formatted);
        }
        self.truncated = true;
        let limit = self.limit;
        let warning =
            format!("Logs were truncated because the total bytes size exceeds the limit of {limit} bytes.");
        self.warn(&warning, clock);
    }

    /// The log without its first `from` lines, as far as it goes at once.
    pub(super) fn watch(&mut self, from: usize) -> Watch {
        self.watchers.add(&self.lines, from)
    }

    pub(super) fn finish(mut self, ending: Ending, clock: SystemTime) -> Option<Finished<T>> {
        let (page, _) = self.page.take()?;
        match ending {
            Ending::Whole => {}
            Ending::MarksMissing => self.warn(if page.broken { BROKEN } else { INCOMPLETE }, clock),
            Ending::Unrecorded => {
                // While the image took its code it was not known yet.
                self.lines.clear();
                self.warn(UNRECORDED, clock);
            }
        }
        let condemns = self.truncated || ending == Ending::MarksMissing;
        Some(Finished { ticket: page.ticket, lines: self.lines, condemns })
    }

    fn warn(&mut self, warning: &str, clock: SystemTime) {
        if self.limit > 0 {
            self.keep(format_line(Stream::Stderr, warning.as_bytes(), clock));
        }
    }

    fn keep(&mut self, line: String) {
        self.watchers.tell(&line);
        self.lines.push(line);
    }
}

/// `TIMESTAMP stdout: TEXT`, the stamp in RFC 3339 with nanoseconds, padded to 30 columns.
fn format_line(stream: Stream, line: &[u8], clock: SystemTime) -> String {
    let stamp = humantime::format_rfc3339_nanos(clock);
    let text = String::from_utf8_lossy(line);
    let mut formatted = String::with_capacity(PREFIX + text.len());
    write!(formatted, "{stamp:<30} {}: {text}", stream.name()).expect("a string takes everything");
    formatted
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn entry(limit: usize) -> Entry<()> {
        Entry::new(0, ActivationId::from_bits(1), limit)
    }

    fn push(entry: &mut Entry<()>, line: &str) {
        entry.push(Stream::Stdout, line.as_bytes(), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn a_log_may_have_exactly_its_limit() {
        let mut entry = entry(100);
        let line = "x".repeat(49);
        push(&mut entry, &line);
        push(&mut entry, &line);
        assert_eq!((entry.lines.len(), entry.truncated), (2, false));
        push(&mut entry, "");
        push(&mut entry, "more");
        let warning =
            "stderr: Logs were truncated because the total bytes size exceeds the limit of 100 bytes.";
        let line = format!("stdout: {line}");
        assert_eq!(
            entry.lines.iter().map(|line| &line[31..]).collect::<Vec<_>>(),
            [line.as_str(), &line, warning]
        );
    }

    #[test]
    fn a_flood_of_short_lines_is_kept_within_twice_the_limit() {
        const LIMIT: usize = 1 << 20;
        for line in [b"".as_slice(), b"x", &[0xff; 100]] {
            let mut entry = entry(LIMIT);
            (0..LIMIT).for_each(|_| entry.push(Stream::Stdout, line, SystemTime::UNIX_EPOCH));
            let (last, lines) = entry.lines.split_last().unwrap();
            let kept: usize = lines.iter().map(|line| line.len() + 1).sum();
            assert!(kept <= 2 * LIMIT && kept > 2 * LIMIT - 1000, "{kept}");
            let warning =
                "Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes.";
            assert_eq!(&last[31..], format!("stderr: {warning}"));
        }
    }

    #[test]
    fn a_watcher_sees_what_the_record_will_have_and_its_end() {
        let mut entry = entry(60);
        push(&mut entry, "a");
        let mut watch = entry.watch(0);
        assert_eq!(watch.so_far, entry.lines);
        for line in ["b", &"too much".repeat(10), "c"] {
            push(&mut entry, line);
        }
        let lines = entry.lines.clone();
        drop(entry);
        let mut seen = watch.so_far;
        while let Some(Some(line)) = watch.more.next().now_or_never() {
            seen.push(line);
        }
        assert_eq!(seen, lines);
        assert!(seen[2].contains("truncated") && seen.len() == 3);
    }
}
