//! A `whirl` process of our own, on free ports and in a temporary directory. Dropping it stops it, and with it
//! go its containers, its network and its files.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::admin::Admin;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::stop::Stop;

const LONGEST_START: Duration = Duration::from_secs(60);
/// Whirl gives its activations a minute to end.
const LONGEST_STOP: Duration = Duration::from_secs(90);
const LOG_LINES: usize = 15;

/// Settings under which nothing but the machine holds the load back.
pub(crate) const UNTHROTTLED: [(&str, &str); 3] = [
    ("WHIRL_CONTROLLER__THROTTLES__ACTIONS_PER_MINUTE", "2147483647"),
    ("WHIRL_CONTROLLER__THROTTLES__TRIGGERS_PER_MINUTE", "2147483647"),
    ("WHIRL_CONTROLLER__THROTTLES__CONCURRENT_ACTIONS", "2147483647"),
];

/// How a `whirl` is started. Everything not named here is as whirl has it by default, but for throttles.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The program.
    pub(crate) whirl: PathBuf,
    /// Mebibytes for all containers together.
    pub(crate) memory: Option<u32>,
    /// The text of a runtime manifest.
    pub(crate) manifest: Option<String>,
    /// Seconds that idle containers are kept.
    pub(crate) idle_timeout: Option<u32>,
    /// Seconds that idle containers stay unpaused.
    pub(crate) pause_grace: Option<u32>,
    /// Cores that all containers without cores of their own may use together.
    pub(crate) cpus: Option<u32>,
    /// Mebibytes of a `/tmp` over a root that cannot be written to.
    pub(crate) read_only_root_tmp: Option<u32>,
    /// Processes that a container may have at a time.
    pub(crate) processes: Option<u32>,
    /// A data directory that is there already, in place of a new one.
    pub(crate) data: Option<PathBuf>,
}

impl Options {
    pub(crate) fn defaults(whirl: &Path) -> Self {
        Self {
            whirl: whirl.to_owned(),
            memory: None,
            manifest: None,
            idle_timeout: None,
            pause_grace: None,
            cpus: None,
            read_only_root_tmp: None,
            processes: None,
            data: None,
        }
    }
}

/// A running `whirl`.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    directory: TempDir,
    api: SocketAddr,
    admin: SocketAddr,
    spawned: Instant,
}

impl Server {
    /// Starts the process and waits for nothing.
    pub(crate) fn spawn(options: &Options) -> Result<Self, Error> {
        let directory = tempfile::Builder::new().prefix("whirl-bench-").tempdir();
        let directory = directory.map_err(Error::io("make a temporary directory"))?;
        let at = |name: &str| directory.path().join(name);
        let (api, admin) = free_ports().map_err(Error::io("find free ports"))?;
        let mut command = Command::new(&options.whirl);
        command.envs(UNTHROTTLED);
        command.arg("--port").arg(api.port().to_string());
        command.args(["--gateway-port", "0"]);
        command.arg("--admin-port").arg(admin.port().to_string()).arg("--data-dir");
        command.arg(options.data.clone().unwrap_or_else(|| at("data")));
        if let Some(memory) = options.memory {
            command.arg("--memory").arg(format!("{memory} MB"));
        }
        if let Some(manifest) = &options.manifest {
            fs::write(at("runtimes.json"), manifest).map_err(Error::io("write a manifest"))?;
            command.arg("--manifest").arg(at("runtimes.json"));
        }
        let settings = [
            ("WHIRL_INVOKER__IDLE_TIMEOUT_SECONDS", options.idle_timeout),
            ("WHIRL_INVOKER__PAUSE_GRACE_SECONDS", options.pause_grace),
            ("WHIRL_DOCKER__CPUS", options.cpus),
            ("WHIRL_DOCKER__READ_ONLY_ROOT_TMP", options.read_only_root_tmp),
            ("WHIRL_DOCKER__PROCESSES", options.processes),
        ];
        command.envs(settings.into_iter().filter_map(|(name, value)| Some((name, value?.to_string()))));
        let file = |name: &str| File::create(at(name)).map_err(Error::io("make a log file"));
        // A group of its own: Ctrl-C at the terminal is for us to pass on, after our containers are gone.
        command.stdin(Stdio::null()).stdout(file("out")?).stderr(file("log")?).process_group(0);
        let spawned = Instant::now();
        let child = command.spawn().map_err(Error::io(format!("start {}", options.whirl.display())))?;
        Ok(Self { child, directory, api, admin, spawned })
    }

    /// Starts the process and waits until it can run actions.
    pub(crate) fn start(options: &Options, stop: &Stop) -> Result<Self, Error> {
        let mut server = Self::spawn(options)?;
        server.wait_until_ready(stop)?;
        Ok(server)
    }

    /// Waits until actions can run.
    pub(crate) fn wait_until_ready(&mut self, stop: &Stop) -> Result<(), Error> {
        stop.wait_for("whirl did not get ready", LONGEST_START, || {
            self.check_alive()?;
            Ok(self.read("out").contains("whirl is ready").then_some(()))
        })
    }

    /// Waits for the first answer to `GET /ping` and tells how long after the start it came.
    pub(crate) fn first_ping(&mut self, stop: &Stop) -> Result<Duration, Error> {
        let request = Request::get(self.api, "/ping");
        let end = self.spawned + LONGEST_START;
        while Instant::now() < end {
            stop.check()?;
            match Connection::open(self.api).and_then(|mut c| c.call(&request).map(|(status, _)| status)) {
                Ok(200) => return Ok(self.spawned.elapsed()),
                _ => std::thread::sleep(Duration::from_micros(200)),
            }
        }
        Err(self.failure("did not answer GET /ping"))
    }

    pub(crate) fn api(&self) -> SocketAddr {
        self.api
    }

    /// The key of the namespace `guest`, as the process printed it.
    pub(crate) fn auth(&self) -> Result<String, Error> {
        let out = self.read("out");
        let key = out.split_whitespace().skip_while(|word| *word != "--auth").nth(1);
        key.map(str::to_owned).ok_or_else(|| self.failure("printed no key"))
    }

    /// Mebibytes of resident memory.
    pub(crate) fn resident(&self) -> Result<f64, Error> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.map_err(Error::io("read the memory of whirl"))?;
        let kibibytes = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
        });
        kibibytes.map(|k| k / 1024.0).ok_or_else(|| self.failure("has no resident memory"))
    }

    fn metric(&self, name: &str) -> Result<u64, Error> {
        Ok(Admin(self.admin).metrics()?.value(name))
    }

    /// Containers that were started and listened.
    pub(crate) fn containers_started(&self) -> Result<u64, Error> {
        self.metric(r#"whirl_invoker_container_starts_total{result="ok"}"#)
    }

    /// Activations that found their container warm.
    pub(crate) fn placed_warm(&self) -> Result<u64, Error> {
        Ok(Admin(self.admin).metrics()?.placed("warm"))
    }

    /// Activations that found their container paused.
    pub(crate) fn placed_resumed(&self) -> Result<u64, Error> {
        Ok(Admin(self.admin).metrics()?.placed("resumed"))
    }

    /// Activations that took a stem cell.
    pub(crate) fn placed_in_stem_cells(&self) -> Result<u64, Error> {
        Ok(Admin(self.admin).metrics()?.placed("stem"))
    }

    /// Stops the process in its own good way.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        match self.end() {
            Some(true) => Ok(()),
            Some(false) => Err(self.failure("did not stop cleanly")),
            None => Err(self.failure("did not stop in time")),
        }
    }

    /// Whether the process ended well; `None` if it had to be killed.
    fn end(&mut self) -> Option<bool> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status.success());
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // That it has ended meanwhile shows below.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + LONGEST_STOP;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.success());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }

    fn check_alive(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("ended with {status}"))),
            Err(source) => Err(Error::Io { doing: "look after whirl".to_owned(), source }),
        }
    }

    fn failure(&self, what: &str) -> Error {
        let log = self.read("log");
        let lines: Vec<_> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        Error::Server { what: what.to_owned(), log }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Two ports that nobody listens on at the moment.
fn free_ports() -> std::io::Result<(SocketAddr, SocketAddr)> {
    let first = TcpListener::bind("127.0.0.1:0")?;
    let second = TcpListener::bind("127.0.0.1:0")?;
    Ok((first.local_addr()?, second.local_addr()?))
}
