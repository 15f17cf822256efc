//! The `whirl-invoker` binary: reads its settings, runs, and says why it cannot.

use std::process::ExitCode;

use clap::Parser;
use whirl_invoker::process::{self, Flags};

fn main() -> ExitCode {
    whirl_service::process::main("whirl-invoker", None, Flags::parse().configuration(), process::run)
}
