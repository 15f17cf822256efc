//! One activation's log while it is written: what is kept of it, and how its end shows. Who watches it is in `watch.rs`.

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
    pub(super) limit: usize,
    bytes: usize,
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
            bytes: 0,
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
        self.bytes += line.len() + 1;
        if self.bytes > self.limit {
            self.truncated = true;
            let limit = self.limit;
            self.warn(
                &format!(
                    "Logs were truncated because the total bytes size exceeds the limit of {limit} bytes."
                ),
                clock,
            );
        } else {
            self.keep(format_line(stream, line, clock));
        }
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
    format!("{stamp:<30} {}: {text}", stream.name())
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
        let mut entry = entry(10);
        push(&mut entry, "four");
        push(&mut entry, "five");
        assert_eq!((entry.lines.len(), entry.truncated), (2, false));
        push(&mut entry, "");
        push(&mut entry, "more");
        let warning =
            "stderr: Logs were truncated because the total bytes size exceeds the limit of 10 bytes.";
        assert_eq!(
            entry.lines.iter().map(|line| &line[31..]).collect::<Vec<_>>(),
            ["stdout: four", "stdout: five", warning]
        );
    }

    #[test]
    fn a_watcher_sees_what_the_record_will_have_and_its_end() {
        let mut entry = entry(6);
        push(&mut entry, "a");
        let mut watch = entry.watch(0);
        assert_eq!(watch.so_far, entry.lines);
        for line in ["b", "too much", "c"] {
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
