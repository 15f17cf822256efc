//! The journal of a single machine: which activations were accepted and how far each one got.
//!
//! It is a directory of segments that only grow at their end. Whoever notes something writes it with one
//! `write(2)` of its own, which survives the process; a thread syncs for those who must survive a power cut.
//! Segments go from the oldest on, each when all activations accepted in it are recorded: what a later
//! segment notes about an earlier one's activations must not go first.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whirl_model::{ActivationId, ActivationMessage, ActivationRecord, Topic};

use crate::bus::Progress;
use crate::lock;

mod entry;
mod ledger;
mod log;
mod recovery;
mod segment;
mod sync;

use entry::Entry;
use log::Log;
use sync::Syncer;

/// How large the journal gets.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// A segment of so many bytes is followed by the next one. At most a quarter of `max_bytes`.
    pub segment_bytes: u64,
    /// With so many bytes on disk no activation is accepted; what is noted about accepted ones still is.
    pub max_bytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { segment_bytes: 16 << 20, max_bytes: 1 << 30 }
    }
}

/// Why something could not be noted.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the directory.
    #[error("the journal in {} is in use", dir.display())]
    InUse {
        /// The journal's directory.
        dir: PathBuf,
        /// Who holds what.
        #[source]
        source: io::Error,
    },
    /// The disk did not do what it was asked.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was asked, such as "append to".
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file begins as no segment of this version does.
    #[error("{} is no segment of a journal that this version can read", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The journal has reached its limit.
    #[error("the journal is full")]
    Full,
    /// One entry is larger than any that would be read back.
    #[error("an entry of {0} bytes is too large for the journal")]
    TooLarge(usize),
    /// Syncing failed, so what was noted may not survive a power cut.
    #[error("what was noted may not be on disk")]
    NotSynced(#[source] Option<Arc<JournalError>>),
}

/// An activation that an earlier process accepted and did not end.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// Where it was published: whose it is to run.
    pub topic: Topic,
    /// What was to be run.
    pub message: Arc<ActivationMessage>,
    /// How far it got.
    pub progress: Progress,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub struct Recovered {
    /// In the order of acceptance. The bus delivers them again.
    pub unfinished: Vec<Unfinished>,
    /// Records that may not have been stored. Store them (create-only), then call [`Journal::recorded`].
    pub ended: Vec<ActivationRecord>,
}

/// Notes accepts, starts, ends and records.
pub struct Journal {
    syncer: Syncer,
    log: Arc<Log>,
    _lock: File,
}

/// The segment that holds an accept: what a sync has to vouch for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

impl Journal {
    /// Opens the journal in `dir`, or creates it, and reads what is unfinished. What cannot be read at a
    /// segment's end is cut off with a warning.
    ///
    /// # Errors
    /// `InUse` while another process has it, `Io`, `Format`.
    pub fn open(dir: &Path, options: JournalOptions) -> Result<(Arc<Self>, Recovered), JournalError> {
        std::fs::create_dir_all(dir).map_err(|e| failed("create", dir, e))?;
        let lock = lock::acquire(&dir.join("lock")).map_err(|source| match source.kind() {
            io::ErrorKind::WouldBlock => JournalError::InUse { dir: dir.to_owned(), source },
            _ => failed("lock", dir, source),
        })?;
        keep_name(dir).map_err(|e| failed("sync the name of", dir, e))?;
        let (ledger, recovered) = recovery::read(dir)?;
        let log = Arc::new(Log::start(dir, options, ledger)?);
        let syncer = Syncer::start(Arc::clone(&log))?;
        Ok((Arc::new(Self { syncer, log, _lock: lock }), recovered))
    }

    /// Notes that an activation was accepted. An id that is known already is not noted again.
    pub(crate) fn accepted(&self, topic: Topic, message: &ActivationMessage) -> Result<Place, JournalError> {
        let bytes = Entry::Accepted { topic, message }.encode()?;
        self.log.accept(message.activation_id, &bytes).map(Place)
    }

    /// Whether an activation was accepted and is not recorded.
    pub(crate) fn has(&self, id: ActivationId) -> bool {
        self.log.has(id)
    }

    /// Notes that an activation is about to start.
    pub(crate) fn started(&self, id: ActivationId) -> Result<(), JournalError> {
        self.log.append(&Entry::Started(id).encode()?)
    }

    /// Notes how an activation ended.
    pub(crate) fn ended(&self, record: &ActivationRecord) -> Result<(), JournalError> {
        self.log.append(&Entry::Ended(record).encode()?)
    }

    /// Forgets an activation: its record is stored, or it was not accepted after all. Where this cannot be
    /// noted a later process finds the activation again, which does no harm: records are create-only.
    pub fn recorded(&self, id: ActivationId) {
        let noted = Entry::Recorded(id).encode().and_then(|bytes| self.log.forget(id, &bytes));
        if let Err(error) = noted {
            tracing::warn!(activation = %id, error = &error as &dyn std::error::Error, "a stored record could not be noted");
        }
    }

    /// Returns when the accept at `place` would survive a power cut.
    pub(crate) async fn make_durable(&self, place: Place) -> Result<(), JournalError> {
        self.syncer.sync().await?;
        if self.log.vouches_for(place.0) { Ok(()) } else { Err(JournalError::NotSynced(None)) }
    }

    /// Returns when all that was noted before, about activations not yet recorded, would survive a power cut.
    ///
    /// # Errors
    /// `NotSynced` when that is not certain.
    pub async fn make_all_durable(&self) -> Result<(), JournalError> {
        self.syncer.sync().await?;
        if self.log.vouches_for_all() { Ok(()) } else { Err(JournalError::NotSynced(None)) }
    }
}

/// A directory that was just created survives a power cut when the one it is in has been synced.
fn keep_name(dir: &Path) -> io::Result<()> {
    match dir.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> JournalError {
    JournalError::Io { operation, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
