//! The process behind a world: started, killed, started again, and cleaned up after.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::binaries;
use crate::host::{self, Belongings, free_port};
use crate::settings::UNTHROTTLED;
use crate::world::eventually;
use crate::{Answer, RawRequest};

/// How long a process may take to stop when its world is dropped.
const LAST_GRACE: Duration = Duration::from_secs(5);

/// How a process is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    containers: &'static str,
    arguments: Vec<String>,
    data_dir: Option<PathBuf>,
    settings: String,
    environment: Vec<(&'static str, String)>,
}

impl ServerOptions {
    /// Actions run in Docker containers.
    #[must_use]
    pub fn docker() -> Self {
        Self {
            containers: "docker",
            arguments: vec![],
            data_dir: None,
            settings: String::new(),
            environment: vec![],
        }
    }

    /// Actions run as processes.
    #[must_use]
    pub fn process() -> Self {
        Self { containers: "process", ..Self::docker() }
    }

    /// Memory for all containers together, in megabytes.
    #[must_use]
    pub fn memory(mut self, megabytes: u32) -> Self {
        self.arguments.extend(["--memory".to_owned(), format!("{megabytes} MB")]);
        self
    }

    /// The key of the namespace `guest`.
    #[must_use]
    pub fn auth(mut self, key: &str) -> Self {
        self.arguments.extend(["--auth".to_owned(), key.to_owned()]);
        self
    }

    /// No stem cells: every first run starts a container.
    #[must_use]
    pub fn without_stem_cells(mut self) -> Self {
        self.arguments.push("--manifest".to_owned());
        self.arguments.push("PLAIN".to_owned());
        self
    }

    /// Lines of the configuration file.
    #[must_use]
    pub fn settings(self, toml: &str) -> Self {
        Self { settings: toml.to_owned(), ..self }
    }

    /// A variable of the process's environment.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// A data directory that somebody else made and removes.
    #[must_use]
    pub fn data_dir(self, path: &Path) -> Self {
        Self { data_dir: Some(path.to_owned()), ..self }
    }

    /// Starts a process that is expected to give up.
    #[track_caller]
    #[must_use]
    pub fn give_up(&self) -> Exit {
        attempt(self, None, (free_port(), free_port()))
    }

    pub(crate) fn needs_docker(&self) -> bool {
        self.containers == "docker"
    }
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed, both streams.
    pub printed: String,
}

/// A `whirl` process.
pub struct Server {
    options: ServerOptions,
    folder: TempDir,
    data: PathBuf,
    port: u16,
    admin_port: u16,
    auth: String,
    belongings: Belongings,
    child: Child,
}

impl Server {
    /// Starts a process and waits until it is ready.
    pub(crate) fn start(options: ServerOptions) -> Self {
        let mut server = Self::launch(options);
        server.get_ready();
        server
    }

    /// The same, and asks it meanwhile, from the start and without a pause, until it answers.
    pub(crate) fn start_asking(
        options: ServerOptions,
        request: impl FnOnce(&str) -> RawRequest,
    ) -> (Self, Answer) {
        let mut server = Self::launch(options);
        let request = request(&format!("127.0.0.1:{}", server.port));
        let answer = loop {
            if let Ok(answer) = request.try_send() {
                break answer;
            }
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", server.printed());
        };
        server.get_ready();
        (server, answer)
    }

    fn launch(options: ServerOptions) -> Self {
        let folder = tempfile::Builder::new().prefix("whirl-system-").tempdir().unwrap();
        let data = options.data_dir.clone().unwrap_or_else(|| folder.path().join("data"));
        fs::create_dir_all(&data).unwrap();
        let data = data.canonicalize().unwrap();
        // The process names what it makes after its data directory.
        let owner = blake3::hash(data.as_os_str().as_encoded_bytes()).to_hex()[..8].to_owned();
        let (port, admin_port) = (free_port(), free_port());
        let child = spawn(&options, folder.path(), &data, (port, admin_port));
        let belongings = Belongings { owner };
        Self { options, folder, data, port, admin_port, auth: String::new(), belongings, child }
    }

    fn get_ready(&mut self) {
        self.await_ready();
        self.auth = self.printed_key();
        assert!(
            !self.options.needs_docker() || !self.belongings.networks().is_empty(),
            "its network has not the name expected: what it leaves behind would not be found"
        );
    }

    /// The port of the API.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of administration.
    #[must_use]
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// Where it keeps what lasts.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn auth(&self) -> &str {
        &self.auth
    }

    /// What it has printed since it was first started.
    #[must_use]
    pub fn printed(&self) -> String {
        printed(self.folder.path())
    }

    /// Kills it without a warning.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same while somebody else is using the world; [`Self::kill9`] has to follow.
    pub fn kill9_from_afar(&self) {
        self.signal(Signal::KILL);
    }

    /// Tells it to stop.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> Exit {
        let status = eventually("the end of the process", || self.child.try_wait().unwrap());
        Exit { status, printed: self.printed() }
    }

    /// Starts it again after its end, with the same ports and data.
    pub fn restart(&mut self) {
        let _ = fs::remove_file(self.folder.path().join("ready"));
        self.child = spawn(&self.options, self.folder.path(), &self.data, (self.port, self.admin_port));
        self.await_ready();
    }

    /// Starts another process that is expected to give up: on this data directory if `same_data`, and on this
    /// process's port if `same_port`.
    #[track_caller]
    #[must_use]
    pub fn rival(&self, same_data: bool, same_port: bool) -> Exit {
        let ports = if same_port { (self.port, self.admin_port) } else { (free_port(), free_port()) };
        attempt(&self.options, same_data.then_some(&self.data), ports)
    }

    /// Its containers that are there, whatever their state.
    #[must_use]
    pub fn containers_left(&self) -> Vec<String> {
        self.belongings.containers()
    }

    /// Its networks and firewall rules that are there.
    #[must_use]
    pub fn network_left(&self) -> Vec<String> {
        [self.belongings.networks(), self.belongings.rules()].concat()
    }

    /// Kibibytes of memory that it has in use, now and at most since it was started.
    #[must_use]
    pub fn resident_kibibytes(&self) -> (u64, u64) {
        host::resident(self.child.id())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }

    #[track_caller]
    fn await_ready(&mut self) {
        let ready = self.folder.path().join("ready");
        eventually("a ready process", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.printed());
            fs::read_to_string(&ready).ok().filter(|text| text.ends_with('\n'))
        });
    }

    fn printed_key(&self) -> String {
        let printed = self.printed();
        let line = printed.lines().find(|line| line.starts_with("wsk property set"));
        line.and_then(|line| line.split("--auth ").nth(1)).expect("the key that it made").to_owned()
    }

    fn stop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + LAST_GRACE;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if self.options.needs_docker() {
            self.belongings.remove();
        }
    }
}

/// Starts a process that is expected to give up, and kills it if it does not.
#[track_caller]
fn attempt(options: &ServerOptions, data: Option<&PathBuf>, ports: (u16, u16)) -> Exit {
    let folder = tempfile::tempdir().unwrap();
    let data = data.cloned().unwrap_or_else(|| folder.path().join("data"));
    let mut child = spawn(options, folder.path(), &data, ports);
    let status = eventually("the process's end", || {
        if folder.path().join("ready").exists() {
            child.kill().unwrap();
        }
        child.try_wait().unwrap()
    });
    Exit { status, printed: printed(folder.path()) }
}

fn printed(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn spawn(options: &ServerOptions, folder: &Path, data: &Path, (port, admin_port): (u16, u16)) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let settings = folder.join("whirl.toml");
    fs::write(&settings, &options.settings).unwrap();
    let plain = plain_manifest(folder);
    Command::new(binaries::whirl())
        .args(["--port", &port.to_string(), "--admin-port", &admin_port.to_string()])
        .args(["--containers", options.containers])
        .args(
            options
                .arguments
                .iter()
                .map(|text| if text == "PLAIN" { plain.as_os_str() } else { text.as_ref() }),
        )
        .arg("--data-dir")
        .arg(data)
        .arg("--config")
        .arg(settings)
        .arg("--ready-file")
        .arg(folder.join("ready"))
        .arg("--runtimes-dir")
        .arg(binaries::root().join("runtimes"))
        // The port beside the API's may be another server's.
        .env("WHIRL_GATEWAY_PORT", "0")
        .env("NO_COLOR", "1")
        .envs(UNTHROTTLED)
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", binaries::whirl().display()))
}

/// The runtime manifest without its stem cells.
pub(crate) fn plain_manifest(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(binaries::root().join("runtimes/runtimes.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let families = manifest["runtimes"].as_object_mut().unwrap();
    for runtime in families.values_mut().filter_map(|kinds| kinds.as_array_mut()).flatten() {
        runtime.as_object_mut().unwrap().remove("stemCells");
    }
    let path = folder.join("runtimes.json");
    fs::write(&path, manifest.to_string()).unwrap();
    path
}
