//! The writer thread: takes all commands that wait, runs them in one transaction, commits, answers.
//!
//! What the commands do is in the modules that send them.

use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::failure::{Closed, Failure, unavailable};
use crate::store::StoreError;

/// At most so many commands share a commit.
const MAX_BATCH: usize = 256;

type Batch = Vec<Box<dyn Command>>;

fn write_until_closed(mut connection: Connection, commands: &mpsc::Receiver<Box<dyn Command>>) {
    while let Ok(first) = commands.recv() {
        let mut batch: Batch = vec![first];
        batch.extend(commands.try_iter().take(MAX_BATCH - 1));
        match commit(&mut connection, &mut batch) {
            Err(_) if batch.len() > 1 => one_by_one(&mut connection, batch),
            outcome => answer(batch, outcome),
        }
    }
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log stays beside the database until the next start");
    }
}

/// Runs the commands in one transaction, each in a savepoint: one that fails leaves the others alone.
fn commit(connection: &mut Connection, batch: &mut [Box<dyn Command>]) -> rusqlite::Result<()> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for command in batch {
        let savepoint = transaction.savepoint()?;
        if command.apply(&savepoint) { savepoint.commit()? } else { savepoint.finish()? }
    }
    transaction.commit()
}

/// SQLite gave up on the whole transaction, as it may when the disk is full: what fits is still written.
fn one_by_one(connection: &mut Connection, batch: Batch) {
    for command in batch {
        let mut alone = vec![command];
        let outcome = commit(connection, &mut alone);
        answer(alone, outcome);
    }
}

fn answer(batch: Batch, outcome: rusqlite::Result<()>) {
    let outcome = outcome.map_err(Arc::new);
    batch.into_iter().for_each(|command| command.answer(outcome.clone()));
}

/// One write and who waits for it.
trait Command: Send {
    /// Does the work inside a transaction, again if that was rolled back. Whether it succeeded.
    fn apply(&mut self, connection: &Connection) -> bool;
    /// Tells who waits, once the transaction ended so.
    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
}

struct Write<T, F> {
    operation: &'static str,
    work: F,
    result: Option<Result<T, Failure>>,
    waiting: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Command for Write<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Failure> + Send,
{
    fn apply(&mut self, connection: &Connection) -> bool {
        self.result.insert((self.work)(connection)).is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let outcome = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(own)), _) => Err(own),
            (_, Err(error)) => Err(Failure::Sqlite(error)),
            (None, Ok(())) => unreachable!("a transaction commits after all its commands were applied"),
        };
        // Who asked may have gone away; the write stands.
        let _gone = self.waiting.send(outcome.map_err(|f| f.during(self.operation)));
    }
}

/// The writer's handle.
pub(super) struct Writer {
    commands: Mutex<Option<mpsc::Sender<Box<dyn Command>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_until_closed(connection, &receiver))
            .map_err(|e| unavailable("start its writer", e))?;
        Ok(Self { commands: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` on the writer thread and returns when its effect is on disk. `work` may run twice, the
    /// first time without effect.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Fn(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (waiting, answer) = oneshot::channel();
        let command = Box::new(Write { operation, work, result: None, waiting });
        match &*self.commands.lock() {
            Some(sender) => sender.send(command).map_err(|_| unavailable(operation, Closed))?,
            None => return Err(unavailable(operation, Closed)),
        }
        answer.await.map_err(|_| unavailable(operation, Closed))?
    }

    pub(super) fn close(&self) {
        drop(self.commands.lock().take());
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer thread panicked");
        }
    }
}
