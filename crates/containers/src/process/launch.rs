//! Starts the action proxy with a launcher, in a folder, a process group and an environment of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use whirl_model::GpuId;

use super::{Process, leftovers, output};
use crate::factory::{ContainerName, ContainerState, StartedContainer};
use crate::oom_kills;

/// How often another port is tried: between choosing one and listening there, somebody else may take it.
const ATTEMPTS: usize = 3;
const START_LIMIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// How much of what a proxy says before it fails is handed on.
const LONGEST_COMPLAINT: u64 = 1000;
/// What CUDA goes by. Empty hides all devices; not set shows them all.
const VISIBLE_GPUS: &str = "CUDA_VISIBLE_DEVICES";
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to start.
pub(super) struct Plan<'a> {
    pub(super) proxy: &'a Path,
    pub(super) launcher: &'a [PathBuf],
    pub(super) state_dir: &'a Path,
    pub(super) name: &'a ContainerName,
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) gpus: &'a [GpuId],
}

impl Plan<'_> {
    /// Starts it and waits until it listens. On an error nothing of it remains.
    pub(super) async fn launch(&self) -> io::Result<(Process, StartedContainer)> {
        let mut outcome = Err(io::ErrorKind::NotFound.into());
        for _ in 0..ATTEMPTS {
            outcome = self.attempt().await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn attempt(&self) -> io::Result<(Process, StartedContainer)> {
        let address = free_address()?;
        let folder = leftovers::new_folder(self.state_dir, self.name)?;
        let child = match self.command(address, &folder).spawn() {
            Ok(child) => child,
            Err(error) => {
                leftovers::clear_away(&folder).await;
                return Err(error);
            }
        };
        let (gone, is_gone) = oneshot::channel();
        let pid = pid_of(&child)?;
        let (kills_before, noted) = (oom_kills::of_host(), leftovers::note(&folder, pid));
        let mut process = Process { leader: child, pid, folder, kills_before, _gone: gone };
        let listening = match noted {
            Ok(()) => wait_until_listening(&process, address).await,
            Err(error) => Err(error),
        };
        let pipes = process.leader.stdout.take().zip(process.leader.stderr.take());
        match (listening, pipes) {
            (Ok(()), Some((stdout, stderr))) => Ok((
                process,
                StartedContainer { address, output: output::chunks(stdout, stderr, is_gone), meter: None },
            )),
            (listening, pipes) => {
                process.end().await?;
                let mut complaint = String::new();
                if let Some((_, stderr)) = pipes {
                    stderr.take(LONGEST_COMPLAINT).read_to_string(&mut complaint).await?;
                }
                let reason = listening.err().map(|error| error.to_string()).unwrap_or_default();
                Err(io::Error::other(format!("{reason}: {}", complaint.trim())))
            }
        }
    }

    fn command(&self, address: SocketAddr, folder: &Path) -> Command {
        let mut command = Command::new(self.proxy);
        command
            .args(self.launcher)
            .current_dir(folder)
            .env_clear()
            .env("PATH", search_path())
            .env("LANG", "C.UTF-8")
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .envs(self.env)
            .env(VISIBLE_GPUS, self.gpus.iter().map(GpuId::as_str).collect::<Vec<_>>().join(","))
            .env("WHIRL_PROXY_LISTEN", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// Where a program is: on the search path if it is a plain name, else relative to `folder`.
pub(super) fn find(program: &str, folder: &Path) -> Option<PathBuf> {
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![folder.join(program)]
    } else {
        std::env::split_paths(&search_path()).map(|place| place.join(program)).collect()
    };
    candidates.into_iter().find(|candidate| candidate.is_file())
}

fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into())
}

fn pid_of(child: &Child) -> io::Result<Pid> {
    let number = child.id().and_then(|id| i32::try_from(id).ok());
    number.and_then(Pid::from_raw).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

async fn wait_until_listening(process: &Process, address: SocketAddr) -> io::Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        // In this order: a proxy that found its port taken ends, and somebody else listens there.
        let connected = TcpStream::connect(address).await;
        if process.state() != ContainerState::Running {
            return Err(io::Error::other("the action proxy ended at once"));
        }
        match connected {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => sleep(LOOK_AGAIN).await,
        }
    }
}
