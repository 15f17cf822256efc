//! The pipe to the launcher's stdin: lines leave whole and in order, at once when the pipe has room, without
//! ever blocking the caller. What they mean is not known here.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::{Buf, Bytes};
use tokio::net::unix::pipe;
use tokio::sync::Notify;

/// Lines on their way to the launcher.
#[derive(Debug)]
pub(crate) struct Outbox {
    pipe: pipe::Sender,
    backlog: Mutex<VecDeque<Bytes>>,
    filled: Notify,
}

impl Outbox {
    /// An outbox over the writing end of a pipe.
    pub(crate) fn new(pipe: pipe::Sender) -> Self {
        Self { pipe, backlog: Mutex::default(), filled: Notify::new() }
    }

    /// Sends `line`. Lines to a launcher that has gone are dropped: its end is noticed on the other pipe.
    pub(crate) fn send(&self, line: Vec<u8>) {
        let mut line = Bytes::from(line);
        let mut backlog = self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        if backlog.is_empty() {
            match self.pipe.try_write(&line) {
                Ok(written) => line.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
        if !line.is_empty() {
            backlog.push_back(line);
            self.filled.notify_one();
        }
    }

    /// Writes what did not fit into the pipe, for as long as the launcher lives.
    pub(crate) async fn write_backlog(&self) {
        loop {
            self.filled.notified().await;
            while self.has_backlog() {
                if self.pipe.writable().await.is_err() || self.write_some().is_err() {
                    return;
                }
            }
        }
    }

    fn has_backlog(&self) -> bool {
        !self.backlog.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn write_some(&self) -> io::Result<()> {
        let mut backlog = self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(line) = backlog.front_mut() {
            match self.pipe.try_write(line) {
                Ok(written) => line.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if line.is_empty() {
                backlog.pop_front();
            }
        }
        Ok(())
    }
}
