//! The launcher process: its start with the three pipes, its answers line by line, and its end. What an answer
//! means is decided by `proxy`.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::{Bytes, BytesMut};
use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::signal::unix::Signal as SignalStream;

use crate::Error;

/// A launcher that has been started.
#[derive(Debug)]
pub(crate) struct Launcher {
    /// Its process.
    pub(crate) process: Pid,
    /// Its stdin.
    pub(crate) requests: pipe::Sender,
    /// Its descriptor 3.
    pub(crate) answers: Answers,
}

impl Launcher {
    /// Starts `command` in `directory`, with requests on its stdin, answers from its descriptor 3, and the
    /// proxy's stdout, stderr and environment, except for variables that start with `WHIRL_`.
    ///
    /// # Errors
    /// [`Error::Launcher`].
    pub(crate) fn start(command: &[OsString], directory: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Launcher { command: command[0].to_string_lossy().into_owned(), source };
        let (requests_in, requests) = io::pipe().map_err(failed)?;
        let (answers, answers_out) = io::pipe().map_err(failed)?;
        let mut process = Command::new(&command[0]);
        process.args(&command[1..]).current_dir(directory).stdin(Stdio::from(requests_in));
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"WHIRL_") {
                process.env_remove(name);
            }
        }
        let mapping = FdMapping { parent_fd: OwnedFd::from(answers_out), child_fd: 3 };
        process.fd_mappings(vec![mapping]).map_err(|error| failed(io::Error::other(error)))?;
        let child = process.spawn().map_err(failed)?;
        Ok(Self {
            process: Pid::from_child(&child),
            requests: pipe::Sender::from_owned_fd(OwnedFd::from(requests)).map_err(failed)?,
            answers: Answers {
                pipe: pipe::Receiver::from_owned_fd(OwnedFd::from(answers)).map_err(failed)?,
                buffer: BytesMut::new(),
                searched: 0,
            },
        })
    }
}

/// Ends a launcher at once. One that has ended already is no error.
pub(crate) fn kill(process: Pid) {
    let _already_gone = kill_process(process, Signal::KILL);
}

/// Waits until `process` has ended, and collects every other child that ends meanwhile: as process 1 of a
/// container the proxy inherits whatever the action's code leaves behind.
pub(crate) async fn reap(process: Pid, ended_children: &mut SignalStream) {
    let mut launcher_ended = false;
    while !launcher_ended {
        ended_children.recv().await;
        launcher_ended = collect_ended(process);
    }
}

/// Collects the children that leave themselves behind after the launcher's end, for ever.
pub(crate) async fn reap_rest(process: Pid, ended_children: &mut SignalStream) {
    while ended_children.recv().await.is_some() {
        collect_ended(process);
    }
}

fn collect_ended(process: Pid) -> bool {
    let mut found = false;
    while let Ok(Some((ended, _))) = wait(WaitOptions::NOHANG) {
        found |= ended == process;
    }
    found
}

/// The lines that the launcher writes on its descriptor 3.
#[derive(Debug)]
pub(crate) struct Answers {
    pipe: pipe::Receiver,
    buffer: BytesMut,
    searched: usize,
}

/// The longest line taken from a launcher, in bytes: far above any payload limit of the platform, low enough
/// not to let an action fill the memory that the proxy shares with it.
const LONGEST_LINE: usize = 64 << 20;

impl Answers {
    /// The next line without its end; `None` once the launcher has closed the pipe or broken the protocol.
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.buffered() {
                return Some(line);
            }
            if self.buffer.len() > LONGEST_LINE {
                return None;
            }
            self.buffer.reserve(4096);
            match self.pipe.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next line that can be had without waiting: all that is left of a launcher that has ended, even when
    /// a process it left behind still holds the pipe.
    pub(crate) fn next_now(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.buffered() {
                return Some(line);
            }
            self.buffer.reserve(4096);
            match self.pipe.try_read_buf(&mut self.buffer) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next line that has been read already.
    pub(crate) fn buffered(&mut self) -> Option<Bytes> {
        match memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            Some(at) => {
                let mut line = self.buffer.split_to(self.searched + at + 1);
                line.truncate(line.len() - 1);
                self.searched = 0;
                Some(line.freeze())
            }
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }
}
