//! What a scenario sees of the host from outside the platform: Docker, firewall chains, processes, ports.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Runs the `docker` command and gives what it printed; empty if it failed.
#[must_use]
pub fn docker(arguments: &[&str]) -> String {
    run("docker", arguments)
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Whether a container's processes are frozen, by the engine or past it.
#[must_use]
pub fn is_frozen(container: &str) -> bool {
    let says = |file: PathBuf, line: &str| {
        fs::read_to_string(file).is_ok_and(|text| text.lines().any(|found| found == line))
    };
    freezer(container).is_some_and(|group| {
        says(group.join("freezer.state"), "FROZEN") || says(group.join("cgroup.events"), "frozen 1")
    })
}

/// Thaws a container. A frozen one cannot be killed, and the engine knows only what it froze itself.
fn thaw(container: &str) {
    if let Some(group) = freezer(container) {
        // Only one of the two is there, by the version of the control groups.
        let _ = fs::write(group.join("freezer.state"), "THAWED");
        let _ = fs::write(group.join("cgroup.freeze"), "0");
    }
    let _ = docker(&["unpause", container]);
}

/// The control group by which a container is frozen.
fn freezer(container: &str) -> Option<PathBuf> {
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", container]);
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", pid.trim())).ok()?;
    groups.lines().find_map(|line| match line.splitn(3, ':').collect::<Vec<_>>()[..] {
        [_, "freezer", path] => Some(PathBuf::from(format!("/sys/fs/cgroup/freezer{path}"))),
        ["0", "", path] if path != "/" => Some(PathBuf::from(format!("/sys/fs/cgroup{path}"))),
        _ => None,
    })
}

/// Whether a Docker engine answers and has the images of the language runtimes.
pub(crate) fn has_docker() -> bool {
    static ANSWERS: OnceLock<bool> = OnceLock::new();
    *ANSWERS.get_or_init(|| {
        let images = docker(&["images", "--format", "{{.Repository}}"]);
        ["whirl/action-nodejs-v20", "whirl/action-python-v3.11"].iter().all(|image| images.contains(image))
    })
}

/// What one `whirl` process has on this host, found by the name that its data directory gives it.
#[derive(Clone, Debug)]
pub(crate) struct Belongings {
    pub(crate) owner: String,
}

impl Belongings {
    /// The ids of its containers, whatever their state.
    pub(crate) fn containers(&self) -> Vec<String> {
        let filter = format!("label=whirl.owner={}", self.owner);
        lines(&docker(&["ps", "-aq", "--no-trunc", "--filter", &filter]))
    }

    /// Its networks.
    pub(crate) fn networks(&self) -> Vec<String> {
        let filter = format!("name=^whirl-{}$", self.owner);
        lines(&docker(&["network", "ls", "-q", "--filter", &filter]))
    }

    /// Its firewall rules.
    pub(crate) fn rules(&self) -> Vec<String> {
        let all = lines(&run("iptables", &["--wait", "-S"]));
        all.into_iter().filter(|rule| rule.contains(&format!("WHIRL-{}", self.owner))).collect()
    }

    /// Removes what is left of a process that could not do it itself.
    pub(crate) fn remove(&self) {
        let containers = self.containers();
        for container in &containers {
            thaw(container);
            let _ = docker(&["rm", "-f", container]);
        }
        for network in self.networks() {
            let _ = docker(&["network", "rm", &network]);
        }
        // The jumps into a chain go first, then what it holds, then the chain.
        let mut rules = self.rules();
        rules.sort_by_key(|rule| (rule.starts_with("-N"), rule.starts_with("-A WHIRL")));
        for rule in rules {
            let undo = rule.replacen("-A ", "-D ", 1).replacen("-N ", "-X ", 1);
            let arguments: Vec<&str> = ["--wait"].into_iter().chain(undo.split(' ')).collect();
            let _ = run("iptables", &arguments);
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Kibibytes of memory that a process has in use, now and at most so far.
pub(crate) fn resident(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
    };
    (value("VmRSS:"), value("VmHWM:"))
}

/// A loopback port that nobody uses, below those that the system hands out to clients.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 1000) as u16 * 10;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}
