//! The `whirl` binary: reads its settings, starts, and stops when it is told to.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use whirl_service::{Drain, config, telemetry};
use whirl_standalone::{Flags, Standalone};

/// Threads for everything but requests: containers, logs, records.
const BACKGROUND_THREADS: usize = 2;

fn main() -> ExitCode {
    let flags = Flags::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(BACKGROUND_THREADS).enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(&flags)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this cannot be written.
            let _ = writeln!(std::io::stderr(), "whirl: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> anyhow::Result<()> {
    telemetry::start()?;
    let configuration = flags.configuration()?;
    config::log_effective(&configuration);
    let drain = Drain::new();
    drain.begin_on_signals()?;
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
