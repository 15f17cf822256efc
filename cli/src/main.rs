//! The `wsk` binary: hands the process's arguments, environment and streams to the library.

use std::process::ExitCode;

use whirl_cli::output::Console;
use whirl_cli::settings::Environment;

fn main() -> ExitCode {
    let mut console = Console::of_process();
    whirl_cli::run(std::env::args_os(), &Environment::of_process(), &mut console).into()
}
