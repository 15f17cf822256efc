//! Somebody follows a log while it is written: how lines get to them, and what becomes of those who do not keep up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Bytes of lines that go at once, and that one who watches may be behind.
const MOST_BYTES: usize = 1 << 20;

/// A part of an activation's log.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The lines from the one on that was asked for, as many as go at once.
    pub(crate) so_far: Vec<String>,
    /// Those that follow.
    pub(crate) more: More,
}

/// Lines as they are written. They end with the log, with one who does not keep up, and at once if there are too many
/// already: those that follow have to be asked for.
#[derive(Debug)]
pub(crate) struct More {
    lines: UnboundedReceiver<String>,
    behind: Arc<AtomicUsize>,
}

/// Those who watch one log.
#[derive(Debug, Default)]
pub(super) struct Watchers(Vec<Watcher>);

#[derive(Debug)]
struct Watcher {
    lines: UnboundedSender<String>,
    /// Bytes that were sent and not read.
    behind: Arc<AtomicUsize>,
    /// Lines to come that are known already: of an earlier try to run the activation.
    known: usize,
}

impl More {
    /// The next line.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let line = self.lines.recv().await?;
        self.behind.fetch_sub(line.len(), Ordering::Relaxed);
        Some(line)
    }
}

impl Watchers {
    /// One more, who has all of `lines` but the first `from`.
    pub(super) fn add(&mut self, lines: &[String], from: usize) -> Watch {
        let (all, rest) = (lines.len(), lines.get(from..).unwrap_or_default());
        let mut bytes = 0;
        let fits = rest.iter().take_while(|line| {
            bytes += line.len();
            bytes <= MOST_BYTES
        });
        let so_far: Vec<String> = fits.cloned().collect();
        let (sender, lines) = unbounded_channel();
        let behind = Arc::<AtomicUsize>::default();
        if so_far.len() == rest.len() {
            self.0.retain(|watcher| !watcher.lines.is_closed());
            let known = from.saturating_sub(all);
            self.0.push(Watcher { lines: sender, behind: Arc::clone(&behind), known });
        }
        Watch { so_far, more: More { lines, behind } }
    }

    /// A line was written.
    pub(super) fn tell(&mut self, line: &str) {
        self.0.retain_mut(|watcher| {
            if watcher.known > 0 {
                watcher.known -= 1;
                return true;
            }
            let behind = watcher.behind.fetch_add(line.len(), Ordering::Relaxed) + line.len();
            behind <= MOST_BYTES && watcher.lines.send(line.to_owned()).is_ok()
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn read(more: &mut More) -> Option<Option<String>> {
        more.next().now_or_never()
    }

    #[test]
    fn one_who_watches_gets_every_line_once_and_the_end() {
        let mut watchers = Watchers::default();
        let lines = ["a", "b", "c"].map(str::to_owned);
        let mut watch = watchers.add(&lines, 1);
        watchers.tell("d");
        assert_eq!(watch.so_far, ["b", "c"]);
        assert_eq!(read(&mut watch.more), Some(Some("d".to_owned())));
        assert_eq!(read(&mut watch.more), None, "more may come");
        drop(watchers);
        assert_eq!(read(&mut watch.more), Some(None));
        let mut watchers = Watchers::default();
        let mut watch = watchers.add(&lines, 4);
        assert!(watch.so_far.is_empty());
        watchers.tell("known");
        watchers.tell("new");
        assert_eq!(read(&mut watch.more), Some(Some("new".to_owned())));
    }

    #[test]
    fn one_who_does_not_keep_up_has_to_ask_again() {
        let mut watchers = Watchers::default();
        let long = "x".repeat(MOST_BYTES / 2);
        let (mut slow, mut fast) = (watchers.add(&[], 0), watchers.add(&[], 0));
        for _ in 0..3 {
            watchers.tell(&long);
            assert!(read(&mut fast.more).is_some());
        }
        assert_eq!(watchers.0.len(), 1);
        assert!(read(&mut slow.more).is_some_and(|line| line.is_some()));
        assert!(read(&mut slow.more).is_some_and(|line| line.is_some()));
        assert_eq!(read(&mut slow.more), Some(None));
        let mut rest = watchers.add(&[long.clone(), long.clone(), long], 0);
        assert_eq!(rest.so_far.len(), 2);
        assert_eq!(read(&mut rest.more), Some(None));
    }

    #[test]
    fn those_who_have_gone_are_forgotten() {
        let mut watchers = Watchers::default();
        drop(watchers.add(&[], 0));
        let _here = watchers.add(&[], 0);
        assert_eq!(watchers.0.len(), 1);
    }
}
