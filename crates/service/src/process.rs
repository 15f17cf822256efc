//! The frame around a server process: logging, the runtime, signals, and the last word on standard error. What runs
//! in it, its binary says.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;
use tokio::runtime::Builder;

use crate::config::ConfigError;
use crate::{Drain, config, retry, telemetry};

type Failure = Box<dyn Error + Send + Sync>;

/// Runs process `name` to its end: `run`, with the configuration and a drain that begins on signals, on a runtime of
/// `threads` threads, or one for each core. Why it failed, in its configuration or later, is the last line on
/// standard error, and the exit code tells that it did.
pub fn main<C, F, E>(
    name: &str,
    threads: Option<usize>,
    configuration: Result<C, ConfigError>,
    run: impl FnOnce(C, Drain) -> F,
) -> ExitCode
where
    C: Serialize,
    F: Future<Output = Result<(), E>>,
    E: Into<Failure>,
{
    match run_on_runtime(threads, configuration, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this cannot be written.
            let _ = writeln!(std::io::stderr(), "{name}: {}", retry::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run_on_runtime<C, F, E>(
    threads: Option<usize>,
    configuration: Result<C, ConfigError>,
    run: impl FnOnce(C, Drain) -> F,
) -> Result<(), Failure>
where
    C: Serialize,
    F: Future<Output = Result<(), E>>,
    E: Into<Failure>,
{
    telemetry::start()?;
    let configuration = configuration?;
    config::log_effective(&configuration);
    let mut runtime = Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads);
    }
    runtime.enable_all().build()?.block_on(async {
        let drain = Drain::new();
        drain.begin_on_signals()?;
        Box::pin(run(configuration, drain)).await.map_err(Into::into)
    })
}
