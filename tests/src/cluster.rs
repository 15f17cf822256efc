//! A cluster on real servers: controllers and invokers as processes, to be killed, frozen and started again one
//! by one. The servers are those that the environment names.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use whirl_cli::ClientConfig;
use whirl_cli::client::{AdminClient, Auth};

use crate::host::{self, Belongings, free_port};
use crate::settings::UNTHROTTLED;
use crate::world::{World, eventually, skip};
use crate::{Exit, RawRequest, binaries};

/// How long a part may take to stop when its cluster is dropped.
const LAST_GRACE: Duration = Duration::from_secs(10);
/// Who is the namespace guest.
const AUTH: &str = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:\
    0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";
/// Who is the administrator.
const ADMIN_KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
const MEMORY: u32 = 1024;

/// Settings, as the variables that name them.
type Settings = Vec<(String, String)>;

/// Controllers and invokers of one cluster. Dropping it stops them all and removes what they had on this host.
pub struct Cluster {
    /// In the order of their start.
    pub controllers: Vec<Part>,
    /// In the order of their start, which is that of their numbers.
    pub invokers: Vec<Part>,
    settings: Settings,
    name: String,
    folder: TempDir,
}

/// One process.
pub struct Part {
    program: &'static str,
    folder: PathBuf,
    settings: Settings,
    admin: String,
    api: Option<String>,
    gateway: Option<String>,
    belongings: Option<Belongings>,
    child: Child,
}

impl Cluster {
    /// Starts so many of each. `None`, having said so, where there are no servers or no Docker.
    #[must_use]
    pub fn start(controllers: usize, invokers: usize) -> Option<Self> {
        let mut cluster = Self::without_parts()?;
        // One after the other: numbers are given in the order of joining.
        for _ in 0..invokers {
            let invoker = cluster.new_invoker();
            cluster.adopt_invoker(invoker);
        }
        for _ in 0..controllers {
            let mut controller = cluster.new_controller();
            controller.await_ready();
            cluster.controllers.push(controller);
        }
        cluster.await_invokers();
        Some(cluster)
    }

    /// The settings of a cluster that nobody has joined yet.
    #[must_use]
    pub fn without_parts() -> Option<Self> {
        let settings = servers()?;
        if !host::has_docker() {
            let required = env::var_os("WHIRL_TEST_DOCKER").is_some_and(|value| value == "1");
            assert!(
                !required,
                "WHIRL_TEST_DOCKER=1, and there is no Docker engine with the runtimes' images"
            );
            return skip("there is no Docker engine with the runtimes' images (scripts/images makes them)");
        }
        let folder = tempfile::Builder::new().prefix("whirl-cluster-").tempdir().unwrap();
        // Three databases, topics and keys of its own, on servers that others use too.
        let name = format!("t{:x}-{}", std::process::id(), free_port());
        let key = folder.path().join("server.key");
        let bytes = blake3::hash(folder.path().as_os_str().as_encoded_bytes());
        write_secret(&key, bytes.as_bytes());
        write_secret(&folder.path().join("admin.key"), ADMIN_KEY.as_bytes());
        let manifest = crate::world::server::plain_manifest(folder.path());
        let own = [
            ("WHIRL_CLUSTER", name.clone()),
            ("WHIRL_COUCHDB__PREFIX", format!("{name}_")),
            ("WHIRL_KAFKA__TOPIC_PREFIX", format!("{name}.")),
            ("WHIRL_SERVER_KEY_FILE", key.display().to_string()),
            ("WHIRL_MANIFEST", manifest.display().to_string()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let settings = settings.into_iter().chain(own).collect();
        Some(Self { controllers: Vec::new(), invokers: Vec::new(), settings, name, folder })
    }

    /// Starts one more controller, and does not wait for it.
    #[must_use]
    pub fn new_controller(&self) -> Part {
        let name = format!("controller{}", self.controllers.len());
        let (port, gateway) = (free_port(), free_port());
        let own = [
            ("WHIRL_PORT", port.to_string()),
            ("WHIRL_GATEWAY_PORT", gateway.to_string()),
            ("WHIRL_ADMIN_KEY_FILE", self.folder.path().join("admin.key").display().to_string()),
            ("WHIRL_CREDENTIALS", AUTH.to_owned()),
        ];
        let unthrottled = UNTHROTTLED.map(|(name, value)| (name, value.to_owned()));
        let own: Vec<_> = own.into_iter().chain(unthrottled).collect();
        let mut part = self.part("whirl-controller", &name, &own);
        part.api = Some(format!("http://127.0.0.1:{port}"));
        part.gateway = Some(format!("127.0.0.1:{gateway}"));
        part
    }

    /// Starts one more invoker, and does not wait for it.
    #[must_use]
    pub fn new_invoker(&self) -> Part {
        self.new_invoker_with(&[])
    }

    /// Starts one more invoker, with these variables over those of the cluster, and does not wait for it.
    #[must_use]
    pub fn new_invoker_with(&self, over: &[(&str, &str)]) -> Part {
        let name = format!("invoker{}", self.invokers.len());
        let usual = [
            ("WHIRL_CONTAINERS", "docker".to_owned()),
            ("WHIRL_INVOKER__MEMORY", MEMORY.to_string()),
            ("WHIRL_DATA_DIR", self.folder.path().join(&name).join("data").display().to_string()),
        ];
        let over = over.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let own: Vec<_> = usual.into_iter().chain(over).collect();
        let mut part = self.part("whirl-invoker", &name, &own);
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.name.as_bytes()).update(&[0]).update(name.as_bytes());
        part.belongings = Some(Belongings { owner: hasher.finalize().to_hex()[..8].to_owned() });
        part
    }

    fn part(&self, program: &'static str, name: &str, own: &[(&str, String)]) -> Part {
        let admin_port = free_port();
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let common = [("WHIRL_NAME", name.to_owned()), ("WHIRL_ADMIN_PORT", admin_port.to_string())];
        let common = common.map(|(name, value)| (name.to_owned(), value));
        let settings = self.settings.iter().cloned().chain(common).chain(own).collect();
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        let child = spawn(program, &folder, &settings);
        let admin = format!("127.0.0.1:{admin_port}");
        Part { program, folder, settings, admin, api: None, gateway: None, belongings: None, child }
    }

    /// The platform as a client of one of its controllers sees it.
    #[must_use]
    pub fn world(&self, controller: usize) -> World {
        self.world_of(controller, AUTH)
    }

    /// The same as someone else, by `UUID:KEY`, sees it.
    #[must_use]
    pub fn world_of(&self, controller: usize, auth: &str) -> World {
        let api = self.controllers[controller].api.as_deref().expect("a controller has an API");
        World::connect(api, auth, None)
    }

    /// How a controller says an invoker is: `up`, `down` and others.
    #[must_use]
    pub fn state(&self, controller: usize, invoker: usize) -> Option<String> {
        let states = self.controllers[controller].admin("/invokers");
        states[format!("invoker{invoker}")].as_str().map(str::to_owned)
    }

    /// Takes an invoker in that was started by itself, and waits until every controller sees it up.
    #[track_caller]
    pub fn adopt_invoker(&mut self, mut invoker: Part) {
        invoker.await_ready();
        self.invokers.push(invoker);
        self.await_invokers();
    }

    /// Waits until every controller sees every invoker up.
    #[track_caller]
    pub fn await_invokers(&self) {
        for (controller, invoker) in
            (0..self.controllers.len()).flat_map(|c| (0..self.invokers.len()).map(move |i| (c, i)))
        {
            self.await_state(controller, invoker, "up");
        }
    }

    /// Waits until a controller says so of an invoker.
    #[track_caller]
    pub fn await_state(&self, controller: usize, invoker: usize, state: &str) {
        eventually(&format!("invoker{invoker} {state}"), || {
            (self.state(controller, invoker).as_deref() == Some(state)).then_some(())
        });
    }

    /// Runs a part that is expected to give up, with these settings over those of the cluster.
    #[track_caller]
    #[must_use]
    pub fn ill_set(&self, program: &'static str, over: &[(&str, &str)]) -> Exit {
        let mut part = self.ill(program, over);
        let status = eventually("its end", || part.child.try_wait().unwrap());
        Exit { status, printed: part.printed() }
    }

    /// Starts a part with these settings over those of the cluster.
    #[must_use]
    pub fn ill(&self, program: &'static str, over: &[(&str, &str)]) -> Part {
        let own: Vec<_> = over.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let port = [("WHIRL_PORT", free_port().to_string())];
        let port = if program == "whirl-controller" { &port[..] } else { &[] };
        self.part(program, &format!("ill{}", free_port()), &[port, &own].concat())
    }
}

impl Part {
    /// Kills it without a warning.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it from running at all, until [`Self::thaw`].
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Tells it to stop and waits for its end.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        eventually("the end of the process", || self.child.try_wait().unwrap())
    }

    /// Starts it again after its end, and waits until it is ready.
    #[track_caller]
    pub fn restart(&mut self) {
        let _ = fs::remove_file(self.folder.join("ready"));
        self.child = spawn(self.program, &self.folder, &self.settings);
        self.await_ready();
    }

    /// What it wrote when it was ready: addresses and its number.
    #[must_use]
    pub fn ready(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.folder.join("ready")).unwrap()).unwrap()
    }

    /// An answer of its admin port, as JSON.
    #[must_use]
    pub fn admin(&self, path: &str) -> Value {
        RawRequest::new(&self.admin, "GET", path).send().json()
    }

    /// A client of its administration.
    #[must_use]
    pub fn administration(&self) -> AdminClient {
        let config = ClientConfig::new(format!("http://{}", self.admin)).with_auth(Auth::bearer(ADMIN_KEY));
        AdminClient::new(config).unwrap()
    }

    /// A request to its API gateway.
    #[must_use]
    pub fn gateway(&self, method: &str, path: &str) -> RawRequest {
        RawRequest::new(self.gateway.as_deref().expect("a controller has a gateway"), method, path)
    }

    /// The value of one of its metrics, named with its labels as the text format has them.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        let answer = RawRequest::new(&self.admin, "GET", "/metrics").send();
        let mut lines = str::from_utf8(&answer.body).unwrap().lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    /// What it says about being ready, if its admin port answers.
    #[must_use]
    pub fn readiness(&self) -> Option<String> {
        std::net::TcpStream::connect(&self.admin).ok()?;
        Some(RawRequest::new(&self.admin, "GET", "/ready").send().text())
    }

    /// What it printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Its containers that are there, whatever their state.
    #[must_use]
    pub fn containers_left(&self) -> Vec<String> {
        self.belongings.as_ref().map(Belongings::containers).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }

    #[track_caller]
    fn await_ready(&mut self) {
        let ready = self.folder.join("ready");
        eventually("a ready process", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}: {}", self.printed());
            fs::read_to_string(&ready).ok().filter(|text| text.ends_with('\n'))
        });
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.thaw();
        self.signal(Signal::TERM);
        let deadline = Instant::now() + LAST_GRACE;
        while Instant::now() < deadline && !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(belongings) = &self.belongings {
            belongings.remove();
        }
    }
}

/// Where the servers are. `None`, having said so, if the environment does not name them.
fn servers() -> Option<Settings> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let named =
        ["WHIRL_TEST_COUCHDB_URL", "WHIRL_TEST_KAFKA_BROKERS", "WHIRL_TEST_ETCD_ENDPOINTS"].map(variable);
    let [Some(couchdb), Some(kafka), Some(etcd)] = named else {
        assert!(
            variable("WHIRL_TEST_SERVERS").is_none(),
            "WHIRL_TEST_SERVERS is set, and not all servers are named"
        );
        return skip(
            "WHIRL_TEST_COUCHDB_URL, WHIRL_TEST_KAFKA_BROKERS and WHIRL_TEST_ETCD_ENDPOINTS name no servers",
        );
    };
    let (scheme, rest) = couchdb.split_once("://").expect("WHIRL_TEST_COUCHDB_URL is a URL");
    let (user, password, host) = match rest.rsplit_once('@') {
        Some((credentials, host)) => {
            let (user, password) = credentials.split_once(':').expect("USER:PASSWORD before the host");
            (user, password, host)
        }
        None => ("", "", rest),
    };
    let settings = [
        ("WHIRL_COUCHDB__URL", format!("{scheme}://{host}")),
        ("WHIRL_COUCHDB__USER", user.to_owned()),
        ("WHIRL_COUCHDB__PASSWORD", password.to_owned()),
        ("WHIRL_KAFKA__BROKERS", kafka),
        ("WHIRL_ETCD__ENDPOINTS", etcd),
    ];
    Some(settings.map(|(name, value)| (name.to_owned(), value)).to_vec())
}

/// Writes a file for its owner alone.
fn write_secret(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn spawn(program: &str, folder: &Path, settings: &Settings) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let path = binaries::of_the_cluster(program);
    Command::new(&path)
        .arg("--ready-file")
        .arg(folder.join("ready"))
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
