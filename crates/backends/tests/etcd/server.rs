//! An etcd of the test's own, to be killed, frozen and cut off.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net;
use tokio::sync::watch;
use whirl_backends::contract::random;
use whirl_backends::coordination::{Coordination, CoordinationError};
use whirl_backends::{EtcdConfig, EtcdCoordination};

/// Longer than an etcd takes to start.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Etcd {
    binary: PathBuf,
    process: Child,
    client_port: u16,
    peer_port: u16,
    data: TempDir,
}

impl Etcd {
    /// A new etcd, or `None`, having said so, if there is no binary to start.
    #[expect(clippy::print_stderr, reason = "who runs the tests must learn that nothing was tested")]
    pub(crate) async fn start() -> Option<Self> {
        let Some(binary) = binary() else {
            let demanded = std::env::var("WHIRL_TEST_SERVERS").is_ok_and(|value| value == "1");
            assert!(!demanded, "WHIRL_TEST_SERVERS=1, but there is no etcd and no WHIRL_TEST_ETCD_BINARY");
            eprintln!("skipped: there is no etcd to start and WHIRL_TEST_ETCD_BINARY names none");
            return None;
        };
        let data = tempfile::tempdir().unwrap();
        let [client_port, peer_port] = free_ports();
        let process = launched(&binary, data.path(), client_port, peer_port);
        let etcd = Self { binary, process, client_port, peer_port, data };
        etcd.until_it_answers(&etcd.config()).await;
        Some(etcd)
    }

    pub(crate) fn config(&self) -> EtcdConfig {
        EtcdConfig { endpoints: endpoint(self.client_port), ..EtcdConfig::default() }
    }

    pub(crate) async fn until_it_answers(&self, config: &EtcdConfig) {
        until_ok(async || EtcdCoordination::connect(config, "test").await.map(drop)).await;
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = launched(&self.binary, self.data.path(), self.client_port, self.peer_port);
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// A way to this etcd that can be cut.
    pub(crate) async fn link(&self) -> Link {
        Link::to(self.client_port).await
    }

    pub(crate) async fn client(&self) -> etcd_client::Client {
        etcd_client::Client::connect([endpoint(self.client_port)], None).await.unwrap()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launched(binary: &PathBuf, data: &std::path::Path, client_port: u16, peer_port: u16) -> Child {
    let (clients, peers) = (endpoint(client_port), endpoint(peer_port));
    Command::new(binary)
        .args(["--name=test", "--logger=zap", "--log-level=error"])
        .arg(format!("--data-dir={}", data.display()))
        .arg(format!("--listen-client-urls={clients}"))
        .arg(format!("--advertise-client-urls={clients}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=test={peers}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Ports that no other etcd of these tests gets, and no connection of this machine is given.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 500) as u16 * 16;
    [(); N].map(|()| {
        loop {
            let port = 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_000;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    })
}

fn binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WHIRL_TEST_ETCD_BINARY") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("etcd")).find(|binary| binary.is_file())
}

/// A port that leads to another one, or, while it is cut, nowhere.
pub(crate) struct Link {
    port: u16,
    whole: watch::Sender<bool>,
}

impl Link {
    async fn to(target: u16) -> Self {
        let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, is_whole) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(joined(near, target, is_whole.clone()));
            }
        });
        Self { port, whole }
    }

    pub(crate) fn config(&self) -> EtcdConfig {
        EtcdConfig { endpoints: endpoint(self.port), ..EtcdConfig::default() }
    }

    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn joined(mut near: net::TcpStream, target: u16, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow() {
        return;
    }
    let Ok(mut far) = net::TcpStream::connect(("127.0.0.1", target)).await else { return };
    tokio::select! {
        _ = whole.wait_for(|whole| !whole) => {}
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
    }
}

/// A cluster that nobody else has.
pub(crate) fn new_cluster() -> String {
    format!("test-{:016x}", random())
}

pub(crate) async fn connected(config: &EtcdConfig, cluster: &str) -> Arc<dyn Coordination> {
    EtcdCoordination::connect(config, cluster).await.unwrap()
}

/// Why it does not connect.
pub(crate) async fn refusal(config: &EtcdConfig) -> CoordinationError {
    EtcdCoordination::connect(config, "test").await.map(drop).unwrap_err()
}

/// Tries until it goes well, as the caller of something that is away for a while does.
pub(crate) async fn until_ok<T>(attempt: impl AsyncFn() -> Result<T, CoordinationError>) -> T {
    let begun = Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(error.is_retryable() && begun.elapsed() < DEADLINE, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
