//! Runtimes as plain processes of the host: our action proxy and the launcher of a kind, without an engine.
//!
//! Isolates nothing. An action can do whatever the user that runs Whirl can do, and no memory limit holds.

mod launch;
mod leftovers;
mod output;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::Child;
use tokio::sync::oneshot;
use whirl_model::{Kind, RuntimeManifest};

use crate::factory::{
    ContainerError, ContainerFactory, ContainerImage, ContainerName, ContainerSpec, ContainerState,
    StartedContainer,
};
use crate::oom_kills;

/// Options of a [`ProcessFactory`].
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// The program `whirl-action-proxy`.
    pub proxy: PathBuf,
    /// Which launcher serves which kind.
    pub runtimes: RuntimeManifest,
    /// The manifest's folder, to which paths in launchers' commands are relative.
    pub runtimes_dir: PathBuf,
    /// A folder for the processes' home folders, of this owner alone and the same after a restart. Made if it
    /// is not there.
    pub state_dir: PathBuf,
}

/// Makes containers that are processes of this host.
pub struct ProcessFactory {
    options: ProcessOptions,
    running: Mutex<HashMap<ContainerName, Process>>,
}

/// A process group that was started.
struct Process {
    /// Its leader. As long as it is not waited for, nothing else can have its number.
    leader: Child,
    pid: Pid,
    folder: PathBuf,
    /// How many processes of this host the kernel had killed for want of memory when it was started.
    kills_before: Option<u64>,
    /// Dropped to end the output, should somebody who left the group still hold the pipes.
    _gone: oneshot::Sender<()>,
}

impl ProcessFactory {
    /// A factory without containers.
    ///
    /// # Errors
    /// When the proxy is not there, or the folder cannot be made.
    pub fn new(options: ProcessOptions) -> io::Result<Self> {
        if !options.proxy.is_file() {
            let message = format!("there is no action proxy at {}", options.proxy.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        leftovers::make_folder(&options.state_dir)?;
        // A process is started in another folder than this one.
        let absolute = |path: &Path| std::path::absolute(path);
        let options = ProcessOptions {
            proxy: absolute(&options.proxy)?,
            runtimes_dir: absolute(&options.runtimes_dir)?,
            state_dir: absolute(&options.state_dir)?,
            ..options
        };
        Ok(Self { options, running: Mutex::default() })
    }

    /// The launcher's command, with its paths made absolute.
    fn launcher(&self, kind: &Kind) -> Result<Vec<PathBuf>, ContainerError> {
        let launcher = self.options.runtimes.resolve(kind).and_then(|runtime| runtime.process.as_ref());
        let Some((program, arguments)) = launcher.and_then(|launcher| launcher.command.split_first()) else {
            return Err(ContainerError::Unsupported(format!("'{kind}' cannot run without containers")));
        };
        let folder = &self.options.runtimes_dir;
        let missing = || ContainerError::Unsupported(format!("'{kind}' needs '{program}' on this host"));
        let program = launch::find(program, folder).ok_or_else(missing)?;
        let resolve = |word: &String| {
            let path = folder.join(word);
            if path.exists() { path } else { PathBuf::from(word) }
        };
        Ok(std::iter::once(program).chain(arguments.iter().map(resolve)).collect())
    }

    fn signal(
        &self,
        operation: &'static str,
        name: &ContainerName,
        signal: Signal,
    ) -> Result<(), ContainerError> {
        let outcome = match self.running.lock().get(name) {
            Some(process) => kill_process_group(process.pid, signal).map_err(io::Error::from),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        outcome.map_err(|source| failure(operation, name, source))
    }

    async fn end(&self, name: &ContainerName, process: Process) -> Result<(), ContainerError> {
        process.end().await.map_err(|source| failure("remove", name, source))
    }
}

impl Process {
    async fn end(mut self) -> io::Result<()> {
        // The group first: once its leader was waited for, the number may be given to others.
        let _gone_already = kill_process_group(self.pid, Signal::KILL);
        self.leader.wait().await?;
        leftovers::clear_away(&self.folder).await;
        Ok(())
    }

    fn state(&self) -> ContainerState {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), look) {
            Ok(None) => ContainerState::Running,
            // Somebody else can have killed it, too, unless the kernel has killed nothing since.
            Ok(Some(end)) if end.terminating_signal() == Some(Signal::KILL.as_raw()) => {
                let has_killed = oom_kills::of_host() > self.kills_before;
                if has_killed { ContainerState::OutOfMemory } else { ContainerState::Ended }
            }
            Ok(Some(_)) | Err(_) => ContainerState::Ended,
        }
    }
}

#[async_trait]
impl ContainerFactory for ProcessFactory {
    async fn create(&self, spec: &ContainerSpec) -> Result<StartedContainer, ContainerError> {
        let launcher = match &spec.image {
            ContainerImage::Runtime { kind, .. } => self.launcher(kind)?,
            ContainerImage::User { image } => {
                let text =
                    format!("the image '{image}' needs a container engine; actions run as processes here");
                return Err(ContainerError::Unsupported(text));
            }
        };
        let plan = launch::Plan {
            proxy: &self.options.proxy,
            launcher: &launcher,
            state_dir: &self.options.state_dir,
            name: &spec.name,
            env: &spec.env,
            gpus: &spec.gpus,
        };
        let (process, started) =
            plan.launch().await.map_err(|source| failure("start", &spec.name, source))?;
        self.running.lock().insert(spec.name.clone(), process);
        Ok(started)
    }

    async fn pause(&self, name: &ContainerName) -> Result<(), ContainerError> {
        self.signal("pause", name, Signal::STOP)
    }

    async fn resume(&self, name: &ContainerName) -> Result<(), ContainerError> {
        self.signal("resume", name, Signal::CONT)
    }

    async fn destroy(&self, name: &ContainerName) -> Result<(), ContainerError> {
        let process = self.running.lock().remove(name);
        match process {
            Some(process) => self.end(name, process).await,
            None => Ok(()),
        }
    }

    async fn state(&self, name: &ContainerName) -> Result<ContainerState, ContainerError> {
        Ok(self.running.lock().get(name).map_or(ContainerState::Ended, Process::state))
    }

    async fn remove_leftovers(&self) -> Result<usize, ContainerError> {
        let running: Vec<_> = self.running.lock().drain().collect();
        let mut number = running.len();
        let mut outcome = Ok(());
        for (name, process) in running {
            outcome = outcome.and(self.end(&name, process).await);
        }
        let all = ContainerName::new("of earlier processes");
        let removed = leftovers::remove(&self.options.state_dir).await;
        number += removed.map_err(|source| failure("remove", &all, source))?;
        outcome.map(|()| number)
    }

    async fn close(&self) -> Result<(), ContainerError> {
        Ok(())
    }
}

fn failure(operation: &'static str, name: &ContainerName, source: io::Error) -> ContainerError {
    ContainerError::Engine { operation, name: name.clone(), source: Box::new(source) }
}
