//! The growing end of the journal: appends entries, goes on to the next segment, removes finished ones, and
//! knows what a sync has to cover.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use whirl_model::ActivationId;

use super::ledger::Ledger;
use super::segment::{self, Segment};
use super::{JournalError, JournalOptions, failed};

/// The log, shared by those who append and the thread that syncs.
pub(super) struct Log {
    dir: PathBuf,
    options: JournalOptions,
    end: Mutex<End>,
}

struct End {
    current: Segment,
    ledger: Ledger,
    /// Earlier segments that have not been synced since they grew.
    unsynced: Vec<Arc<File>>,
    /// Whether a segment was created since the directory was synced.
    new_name: bool,
    /// Counts appended entries; `synced` is what it was when the last good sync began.
    appended: u64,
    synced: u64,
    /// A sync of this segment or one before it failed: what is in them may not be on disk.
    doubtful_through: u64,
}

/// What one sync has to cover.
pub(super) struct SyncWork {
    files: Vec<Arc<File>>,
    new_name: bool,
    appended: u64,
}

impl Log {
    pub(super) fn start(
        dir: &Path,
        options: JournalOptions,
        mut ledger: Ledger,
    ) -> Result<Self, JournalError> {
        let segment_bytes = options.segment_bytes.min(options.max_bytes / 4);
        let current = Segment::create(dir, ledger.newest() + 1)?;
        ledger.grew(current.number, current.len);
        let mut end = End {
            current,
            ledger,
            unsynced: Vec::new(),
            new_name: true,
            appended: 0,
            synced: 0,
            doubtful_through: 0,
        };
        end.remove_finished(dir);
        Ok(Self {
            dir: dir.to_owned(),
            options: JournalOptions { segment_bytes, ..options },
            end: Mutex::new(end),
        })
    }

    /// Appends an accept unless the journal is full. Returns the segment that it is in.
    pub(super) fn accept(&self, id: ActivationId, entry: &[u8]) -> Result<u64, JournalError> {
        let mut end = self.end.lock();
        if let Some(place) = end.ledger.place_of(id) {
            return Ok(place);
        }
        if end.ledger.bytes() + entry.len() as u64 > self.options.max_bytes {
            return Err(JournalError::Full);
        }
        self.append_to(&mut end, entry)?;
        let place = end.current.number;
        end.ledger.accepted(id, place);
        Ok(place)
    }

    /// Whether an accept was written and its activation is not forgotten.
    pub(super) fn has(&self, id: ActivationId) -> bool {
        self.end.lock().ledger.place_of(id).is_some()
    }

    pub(super) fn append(&self, entry: &[u8]) -> Result<(), JournalError> {
        self.append_to(&mut self.end.lock(), entry)
    }

    /// Appends that an activation is recorded, and removes what that finishes.
    pub(super) fn forget(&self, id: ActivationId, entry: &[u8]) -> Result<(), JournalError> {
        let mut end = self.end.lock();
        if end.ledger.place_of(id).is_none() {
            return Ok(());
        }
        let noted = self.append_to(&mut end, entry);
        end.ledger.recorded(id);
        end.remove_finished(&self.dir);
        noted
    }

    fn append_to(&self, end: &mut End, entry: &[u8]) -> Result<(), JournalError> {
        if !end.current.sound || end.current.len >= self.options.segment_bytes {
            end.begin_segment(&self.dir)?;
        }
        end.current.append(entry)?;
        end.ledger.grew(end.current.number, entry.len() as u64);
        end.appended += 1;
        Ok(())
    }

    /// Whether all that was appended has been synced.
    pub(super) fn is_synced(&self) -> bool {
        let end = self.end.lock();
        end.synced == end.appended
    }

    /// Whether an accept in this segment survives a power cut, given that a sync after it went well.
    pub(super) fn vouches_for(&self, segment: u64) -> bool {
        segment > self.end.lock().doubtful_through
    }

    /// The same for all activations that are not yet recorded.
    pub(super) fn vouches_for_all(&self) -> bool {
        let end = self.end.lock();
        !end.ledger.is_open_through(end.doubtful_through)
    }

    /// Syncs what was appended before. After a failure it begins with a new segment, and vouches for
    /// nothing that was appended to earlier ones: what the system gave up writing, it may never write.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let work = self.sync_work()?;
        let done = work.files.iter().try_for_each(|file| file.sync_data());
        let done = done.and_then(|()| if work.new_name { File::open(&self.dir)?.sync_all() } else { Ok(()) });
        let mut end = self.end.lock();
        match done {
            Ok(()) => {
                end.synced = work.appended;
                Ok(())
            }
            Err(error) => {
                end.doubtful_through = end.current.number;
                end.current.sound = false;
                end.new_name = true;
                Err(failed("sync", &self.dir, error))
            }
        }
    }

    fn sync_work(&self) -> Result<SyncWork, JournalError> {
        let mut end = self.end.lock();
        if !end.current.sound {
            end.begin_segment(&self.dir)?;
        }
        let mut files = mem::take(&mut end.unsynced);
        files.push(Arc::clone(&end.current.file));
        Ok(SyncWork { files, new_name: mem::take(&mut end.new_name), appended: end.appended })
    }
}

impl End {
    fn begin_segment(&mut self, dir: &Path) -> Result<(), JournalError> {
        let next = Segment::create(dir, self.current.number + 1)?;
        let before = mem::replace(&mut self.current, next);
        if before.number > self.doubtful_through {
            self.unsynced.push(before.file);
        }
        self.ledger.grew(self.current.number, self.current.len);
        self.new_name = true;
        self.remove_finished(dir);
        Ok(())
    }

    /// Removes finished segments in order. One that cannot be removed keeps those behind it.
    fn remove_finished(&mut self, dir: &Path) {
        while let Some(number) = self.ledger.finished(self.current.number) {
            let path = segment::path(dir, number);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "a finished segment of the journal stays");
                    return;
                }
                _ => self.ledger.removed(number),
            }
        }
    }
}

#[cfg(test)]
impl Log {
    /// The newest segment's number and length.
    pub(super) fn end_position(&self) -> (u64, u64) {
        let end = self.end.lock();
        (end.current.number, end.current.len)
    }

    /// Goes on writing to another file, such as a device that fails.
    pub(super) fn write_to(&self, path: &Path) {
        let file = fs::OpenOptions::new().append(true).open(path).unwrap();
        self.end.lock().current.file = Arc::new(file);
    }
}
