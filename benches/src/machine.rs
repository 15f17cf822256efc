//! The machine that a run was made on, and what ran on it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde::Serialize;

use crate::docker::Engine;

/// Facts without which figures mean nothing.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Machine {
    /// When the run began, RFC 3339.
    pub(crate) time: String,
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) docker: String,
    /// What `whirl --version` says.
    pub(crate) whirl: String,
    /// Runnable processes on average over the last minute, before and after the run.
    pub(crate) load_before: String,
    pub(crate) load_after: String,
}

impl Machine {
    /// Looks at the machine at the start of a run.
    pub(crate) fn look(whirl: &Path) -> Self {
        let version = Command::new(whirl).arg("--version").output();
        let version = version.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: model.map_or_else(String::new, |(_, name)| name.trim().to_owned()),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            docker: Engine.version().unwrap_or_else(|error| error.to_string()),
            whirl: version.unwrap_or_default(),
            load_before: load(),
            load_after: String::new(),
        }
    }

    /// Looks again at its end.
    pub(crate) fn look_again(&mut self) {
        self.load_after = load();
    }

    /// One per line.
    pub(crate) fn facts(&self) -> Vec<String> {
        let Self { time, cores, processor, kernel, docker, whirl, load_before, load_after } = self;
        vec![
            format!("{time}, {whirl}"),
            format!("{cores} cores ({processor}), Linux {kernel}, Docker {docker}"),
            format!("load average over a minute: {load_before} before the run, {load_after} after it"),
        ]
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
