//! The `whirl-controller` binary: reads its settings, runs, and says why it cannot.

use std::process::ExitCode;

use clap::Parser;
use whirl_controller::process::{self, Flags};

/// Threads for everything but requests: the servers that it is connected to, and what they tell.
const BACKGROUND_THREADS: usize = 2;

fn main() -> ExitCode {
    let configuration = Flags::parse().configuration();
    whirl_service::process::main("whirl-controller", Some(BACKGROUND_THREADS), configuration, process::run)
}
