//! The `whirl` binary: reads its settings, starts, and stops when it is told to.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use whirl_service::{Drain, process};
use whirl_standalone::{Flags, Standalone, StandaloneConfig};

/// Threads for everything but requests: containers, logs, records.
const BACKGROUND_THREADS: usize = 2;

fn main() -> ExitCode {
    process::main("whirl", Some(BACKGROUND_THREADS), Flags::parse().configuration(), run)
}

async fn run(configuration: StandaloneConfig, drain: Drain) -> anyhow::Result<()> {
    let standalone = tokio::select! {
        started = Standalone::start(configuration, drain.clone()) => started?,
        () = drain.wait() => anyhow::bail!("stopped before it had started"),
    };
    let mut out = std::io::stdout();
    if let Some(credentials) = standalone.new_credentials() {
        let (host, key) = (standalone.api_host(), credentials.reveal());
        writeln!(out, "wsk property set --apihost {host} --auth {key}")?;
    }
    writeln!(out, "whirl is ready at {}", standalone.api_host())?;
    out.flush()?;
    drain.wait().await;
    standalone.stop().await
}
