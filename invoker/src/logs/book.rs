//! Which line belongs to which activation. Pure: bytes and times come in, finished logs go out.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use whirl_containers::factory::{OutputChunk, Stream};
use whirl_model::ActivationId;
use whirl_scheduling::Moment;

use super::entry::{Ending, Entry};
use super::lines::{END_MARK, Lines};
use super::tags::{Owner, TagWord};
use super::{Finished, Page, Sharing, Watch};

/// So long after an activation ended its logs are waited for while nothing more is said.
const SILENCE: Duration = Duration::from_secs(2);
/// The same where no end mark is to come.
const UNMARKED_SILENCE: Duration = Duration::from_millis(100);
/// Kept of what is said while no activation is there to say it.
const STRAY_BYTES: usize = 64 << 10;

/// The logs of one container.
#[derive(Debug)]
pub(crate) struct LogBook<T> {
    /// Whether the container writes end marks.
    marked: bool,
    /// The end mark that it was asked to write, which an action does not know.
    own_mark: Option<Vec<u8>>,
    /// Whether each stream began with such a mark: no other ends anything there.
    has_own_marks: [bool; 2],
    /// The word that it was asked to begin its lines with.
    tag_word: Option<TagWord>,
    sharing: Sharing,
    partial: [Lines; 2],
    /// Activations whose log is not complete, in the order in which they began.
    open: VecDeque<Entry<T>>,
    begun: u64,
    /// Said while no activation was there: the next one gets it.
    stray: Vec<(Stream, Vec<u8>, SystemTime)>,
    stray_bytes: usize,
    last_heard: Moment,
    ended: bool,
}

impl<T> LogBook<T> {
    pub(crate) fn new(marked: bool) -> Self {
        Self {
            marked,
            own_mark: None,
            has_own_marks: [false; 2],
            tag_word: None,
            sharing: Sharing::OneAtATime,
            partial: Default::default(),
            open: VecDeque::new(),
            begun: 0,
            stray: Vec::new(),
            stray_bytes: 0,
            last_heard: Moment::ZERO,
            ended: false,
        }
    }

    /// The container was asked, before its start, to begin its end marks with this word.
    pub(crate) fn ask_for_own_marks(&mut self, word: &str) {
        self.own_mark = Some([word.as_bytes(), b" ", END_MARK].concat());
    }

    /// The container is being asked to begin its lines with this word.
    pub(crate) fn ask_for_tags(&mut self, word: &str) {
        self.tag_word = Some(TagWord::new(word));
    }

    /// How activations share the container from now on.
    pub(crate) fn share(&mut self, sharing: Sharing) {
        self.sharing = sharing;
    }

    /// An activation is about to run; its log may hold `limit` bytes. Gives the number to end it by.
    pub(crate) fn begin(&mut self, activation: ActivationId, limit: usize) -> u64 {
        let mut entry = Entry::new(self.begun, activation, limit);
        self.begun += 1;
        self.stray_bytes = 0;
        for (stream, line, clock) in self.stray.drain(..) {
            entry.push(stream, &line, clock);
        }
        let number = entry.number;
        self.open.push_back(entry);
        number
    }

    /// The log of an activation that is not complete yet, without its first `from` lines.
    pub(crate) fn watch(&mut self, activation: ActivationId, from: usize) -> Option<Watch> {
        let entry = self.open.iter_mut().find(|entry| entry.activation == activation)?;
        Some(entry.watch(from))
    }

    /// An activation did not run here after all.
    pub(crate) fn cancel(&mut self, number: u64) {
        self.open.retain(|entry| entry.number != number);
    }

    /// An activation's run has ended. Its log comes back here if it is complete already.
    pub(crate) fn end(&mut self, number: u64, page: Page<T>, now: Moment) -> Vec<Finished<T>> {
        if let Some(entry) = self.open.iter_mut().find(|entry| entry.number == number) {
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
        self.tick(now)
    }

    /// Gives up logs that were waited for long enough.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Finished<T>> {
        self.finish(|book, entry| book.ending(entry, now).or_else(|| book.giving_up(entry, now)))
    }

    /// Whether nothing is waited for.
    pub(crate) fn is_complete(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the next [`Self::tick`] would give up a log.
    pub(crate) fn is_overdue(&self, now: Moment) -> bool {
        self.open.iter().any(|entry| self.giving_up(entry, now).is_some())
    }

    /// Nothing could have been heard up to now: all that is waited for is waited for anew.
    pub(crate) fn excuse(&mut self, now: Moment) {
        self.last_heard = now;
        for (_, since) in self.open.iter_mut().filter_map(|entry| entry.page.as_mut()) {
            *since = now;
        }
    }

    fn line(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.tag_word.take() {
            None => self.untagged(stream, line, clock),
            Some(word) => {
                word.split(line, |owner, text| match owner {
                    Owner::Activation(activation) => self.tagged(activation, stream, text, clock),
                    Owner::Nobody => self.untagged(stream, text, clock),
                });
                self.tag_word = Some(word);
            }
        }
    }

    /// What an activation says after its end is in nobody's log.
    fn tagged(&mut self, activation: ActivationId, stream: Stream, text: &[u8], clock: SystemTime) {
        let which = usize::from(stream == Stream::Stderr);
        let open = |entry: &&mut Entry<T>| entry.activation == activation && !entry.marks[which];
        match self.open.iter_mut().find(open) {
            Some(entry) if text == END_MARK => entry.marks[which] = true,
            Some(entry) => entry.push(stream, text, clock),
            None => {}
        }
    }

    fn untagged(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        let which = usize::from(stream == Stream::Stderr);
        let own = self.own_mark.as_ref().and_then(|mark| line.strip_suffix(&**mark));
        // What was said without a newline at its end stands before the mark, on the mark's line.
        let Some(said) = own.or_else(|| line.strip_suffix(END_MARK)) else {
            return self.said(stream, line, clock);
        };
        if !said.is_empty() {
            self.said(stream, said, clock);
        }
        // The first one comes before the action can say anything: it says that there will be such marks.
        let is_known = self.has_own_marks[which];
        self.has_own_marks[which] |= own.is_some();
        // A mark that no activation waits for is somebody else's doing and ends nothing.
        if own.is_some() == is_known
            && self.sharing == Sharing::OneAtATime
            && let Some(entry) = self.open.iter_mut().find(|entry| !entry.marks[which])
        {
            entry.marks[which] = true;
        }
    }

    /// Something that does not say whose it is: of the activation whose turn it is, else of the one that has been
    /// running longest.
    fn said(&mut self, stream: Stream, line: &[u8], clock: SystemTime) {
        if self.sharing == Sharing::Unmarked {
            return;
        }
        let which = usize::from(stream == Stream::Stderr);
        match self.open.iter_mut().find(|entry| !entry.marks[which]) {
            Some(entry) => entry.push(stream, line, clock),
            None if self.stray_bytes + line.len() < STRAY_BYTES => {
                self.stray_bytes += line.len() + 1;
                self.stray.push((stream, line.to_vec(), clock));
            }
            None => {}
        }
    }

    fn complete(&mut self, now: Moment) -> Vec<Finished<T>> {
        self.finish(|book, entry| book.ending(entry, now))
    }

    /// Takes out the logs that end, by what `ending` says of each.
    fn finish(&mut self, ending: impl Fn(&Self, &Entry<T>) -> Option<Ending>) -> Vec<Finished<T>> {
        let mut finished = Vec::new();
        let mut index = 0;
        while let Some(entry) = self.open.get(index) {
            match ending(self, entry) {
                None => index += 1,
                Some(ending) => {
                    let entry = self.open.remove(index);
                    finished.extend(entry.and_then(|entry| entry.finish(ending, SystemTime::now())));
                }
            }
        }
        finished
    }

    /// How a log ends that need not be waited for any more, or has grown for too long.
    fn ending(&self, entry: &Entry<T>, now: Moment) -> Option<Ending> {
        let (_, since) = entry.page.as_ref()?;
        let longest = Duration::from_secs(2) * u32::try_from((entry.limit >> 20).max(5)).unwrap_or(5);
        match self.sharing {
            Sharing::Unmarked => Some(Ending::Unrecorded),
            _ if entry.marks == [true; 2] => Some(Ending::Whole),
            _ => (self.ended || now.saturating_sub(*since) >= longest).then(|| self.ending_without_marks()),
        }
    }

    /// How a log ends that was waited for in silence for too long.
    fn giving_up(&self, entry: &Entry<T>, now: Moment) -> Option<Ending> {
        let (_, since) = entry.page.as_ref()?;
        let quiet = now.saturating_sub(self.last_heard.max(*since));
        let patience = if self.is_marked() { SILENCE } else { UNMARKED_SILENCE };
        (quiet >= patience).then(|| self.ending_without_marks())
    }

    fn ending_without_marks(&self) -> Ending {
        if self.is_marked() { Ending::MarksMissing } else { Ending::Whole }
    }

    /// Whether end marks are to come.
    fn is_marked(&self) -> bool {
        self.marked || self.sharing == Sharing::Tagged
    }
}

#[cfg(test)]
mod tests;
