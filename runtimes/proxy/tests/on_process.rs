//! Starts the proxy as a process of this machine, with its streams on pipes.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::container::{Container, Host, Language};
use crate::support::http;

/// Runs `check` on a fresh proxy with these additional environment variables.
pub(crate) fn with(language: Language, variables: &[(&str, &str)], check: impl FnOnce(Container)) {
    check(start(language, variables));
}

fn start(language: Language, variables: &[(&str, &str)]) -> Container {
    let runtimes = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in runtimes/");
    let (program, launcher) = match language {
        Language::Node => ("node", "nodejs/launcher.js"),
        Language::Python => ("python3", "python/launcher.py"),
    };
    let present = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(present, "these tests run actions on this machine: install `{program}` and put it on the PATH");
    let port = free_port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_whirl-action-proxy"))
        .arg(program)
        .arg(runtimes.join(launcher))
        .env("WHIRL_PROXY_LISTEN", format!("127.0.0.1:{port}"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the proxy starts");
    let out = collect(child.stdout.take().expect("stdout is a pipe"));
    let err = collect(child.stderr.take().expect("stderr is a pipe"));
    let address = (Ipv4Addr::LOCALHOST, port).into();
    http::wait_for_listener(address, || child.try_wait().is_ok_and(|status| status.is_none()));
    let host = Process { child, streams: Some((out, err)) };
    Container { address, inner_port: port, host: Box::new(host) }
}

struct Process {
    child: Child,
    streams: Option<(JoinHandle<String>, JoinHandle<String>)>,
}

impl Host for Process {
    fn end(&mut self) -> (String, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("the proxy still runs");
        let status = self.child.wait().expect("the proxy ends");
        assert!(status.success(), "the proxy ends by SIGTERM with {status}");
        let (out, err) = self.streams.take().expect("a container ends once");
        (out.join().expect("stdout was read"), err.join().expect("stderr was read"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _already_gone = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let _reaped = self.child.wait();
        }
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the stream can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A port that no other proxy of these tests gets, and no connection of this machine is given.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 500) as u16 * 16;
    loop {
        let port = 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
