//! The `whirl-controller` binary: reads its settings, runs, and says why it cannot.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use whirl_controller::process::{self, Flags};
use whirl_service::{Drain, config, telemetry};

/// Threads for everything but requests: the servers that it is connected to, and what they tell.
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
            let _ = writeln!(std::io::stderr(), "whirl-controller: {error:#}");
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
    Ok(Box::pin(process::run(configuration, drain)).await?)
}
