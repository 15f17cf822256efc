//! A few reader threads, each with a connection of its own, so that no async thread waits for the disk.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::failure::{Closed, Failure, unavailable};
use super::schema;
use crate::store::StoreError;

const THREADS: usize = 3;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The readers' handle.
pub(super) struct Readers {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

fn read_until_closed(connection: &Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = jobs.lock().recv();
        match job {
            Ok(job) => job(connection),
            Err(mpsc::RecvError) => return,
        }
    }
}

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let start_one = |_| {
            let (connection, jobs) = (schema::open_for_reading(path)?, Arc::clone(&receiver));
            thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || read_until_closed(&connection, &jobs))
                .map_err(|e| unavailable("start a reader", e))
        };
        let threads = (0..THREADS).map(start_one).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Runs `work` on a reader thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (waiting, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !waiting.is_closed() {
                let _gone = waiting.send(work(connection).map_err(|f| f.during(operation)));
            }
        });
        match &*self.jobs.lock() {
            Some(sender) => sender.send(job).map_err(|_| unavailable(operation, Closed))?,
            None => return Err(unavailable(operation, Closed)),
        }
        answer.await.map_err(|_| unavailable(operation, Closed))?
    }

    pub(super) fn close(&self) {
        drop(self.jobs.lock().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader thread of the store panicked");
            }
        }
    }
}
