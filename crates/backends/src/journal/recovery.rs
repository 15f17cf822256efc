//! Reads what an earlier process left: cuts off what cannot be read, tells what is unfinished.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use whirl_model::{ActivationId, ActivationMessage, ActivationRecord};

use super::entry::{self, Entry};
use super::ledger::Ledger;
use super::segment::{self, HEADER};
use super::{JournalError, Recovered, Unfinished, failed};
use crate::bus::Progress;

type ReadEntry = Entry<ActivationMessage, ActivationRecord>;

/// What the entries so far say.
#[derive(Default)]
struct Replay {
    ledger: Ledger,
    accepts: usize,
    accepted: HashMap<ActivationId, Accepted>,
}

struct Accepted {
    order: usize,
    state: State,
}

enum State {
    Unfinished(Unfinished),
    Ended(Box<ActivationRecord>),
}

/// Reads all segments, oldest first.
pub(super) fn read(dir: &Path) -> Result<(Ledger, Recovered), JournalError> {
    let numbers = segment::numbers(dir).map_err(|e| failed("list", dir, e))?;
    let mut replay = Replay::default();
    for number in numbers {
        let path = segment::path(dir, number);
        let read = replay.read_segment(&path, number).map_err(|e| failed("read", &path, e))?;
        if !read {
            return Err(JournalError::Format { path });
        }
    }
    Ok(replay.finish())
}

impl Replay {
    /// Reads one segment and cuts off its unreadable end; `false` if the file is no segment.
    fn read_segment(&mut self, path: &Path, number: u64) -> io::Result<bool> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        let mut reader = BufReader::new(&file);
        let mut header = Vec::new();
        reader.by_ref().take(HEADER.len() as u64).read_to_end(&mut header)?;
        let mut sound = 0;
        if header == HEADER {
            sound = header.len() as u64;
            while let Some(payload) = entry::read_payload(&mut reader)? {
                sound += entry::size_of(&payload);
                match ReadEntry::decode(&payload) {
                    Ok(entry) => self.apply(entry, number),
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "the journal has an entry that is passed over");
                    }
                }
            }
        } else if !(HEADER.starts_with(&header) || header.iter().all(|byte| *byte == 0)) {
            return Ok(false);
        }
        self.ledger.grew(number, sound);
        if sound < length {
            tracing::warn!(path = %path.display(), bytes = length - sound, "the journal's torn end is cut off");
            file.set_len(sound)?;
        }
        // A process that was killed may have left what only the system's cache has.
        file.sync_data()?;
        Ok(true)
    }

    fn apply(&mut self, entry: ReadEntry, segment: u64) {
        match entry {
            Entry::Accepted { topic, message } => {
                let (id, order) = (message.activation_id, self.accepts);
                self.accepts += 1;
                let progress = Progress::NotStarted;
                let state = State::Unfinished(Unfinished { topic, message: Arc::new(message), progress });
                self.accepted.entry(id).or_insert(Accepted { order, state });
                self.ledger.accepted(id, segment);
            }
            Entry::Started(id) => {
                if let Some(Accepted { state: State::Unfinished(unfinished), .. }) =
                    self.accepted.get_mut(&id)
                {
                    unfinished.progress = Progress::MayHaveStarted;
                }
            }
            Entry::Ended(record) => {
                if let Some(accepted) = self.accepted.get_mut(&record.activation_id) {
                    accepted.state = State::Ended(Box::new(record));
                }
            }
            Entry::Recorded(id) => {
                self.accepted.remove(&id);
                self.ledger.recorded(id);
            }
        }
    }

    fn finish(self) -> (Ledger, Recovered) {
        let mut open: Vec<Accepted> = self.accepted.into_values().collect();
        open.sort_unstable_by_key(|accepted| accepted.order);
        let mut recovered = Recovered::default();
        for accepted in open {
            match accepted.state {
                State::Unfinished(unfinished) => recovered.unfinished.push(unfinished),
                State::Ended(record) => recovered.ended.push(*record),
            }
        }
        (self.ledger, recovered)
    }
}
