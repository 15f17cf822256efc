//! The `wsk` command line and the typed REST client beneath it.
//!
//! [`client`] stands alone and serves other programs too: it reads no configuration and prints nothing. The
//! rest is the command line: [`command_line`] reads it, [`settings`] finds what is in force, [`commands`] act,
//! [`output`] prints, [`exit`] tells scripts how it went. `project` turns a manifest into a list of operations.

mod artifact;
pub mod client;
pub mod command_line;
pub mod commands;
pub mod exit;
mod feed;
pub mod flags;
mod gateway;
pub mod name;
pub mod output;
mod project;
pub mod properties;
pub mod settings;

use std::ffi::OsString;
use std::io;

use clap::error::ErrorKind;

pub use client::{Client, ClientConfig};
use exit::Failure;
use output::Console;
use settings::Environment;

/// Runs one command line, the program's name first, and returns the exit code.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    console: &mut Console,
) -> u8 {
    let outcome = match command_line::parse(arguments) {
        Ok(wsk) => wsk.run(environment, console),
        Err(error) => refuse(&error, console),
    };
    match outcome {
        Ok(code) => code,
        // Whoever reads the output has seen enough, as `head` does.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK,
        Err(failure) => {
            // If standard error is gone too, the exit code has to do.
            let _ = console.err().failure(&failure);
            failure.exit_code()
        }
    }
}

/// Prints the help that was asked for; a mistake becomes a usage failure.
fn refuse(error: &clap::Error, console: &mut Console) -> Result<u8, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            console.out().line(error.render().to_string().trim_end())?;
            Ok(exit::OK)
        }
        _ => Err(Failure::Usage(first_paragraph(&error.render().to_string()))),
    }
}

/// clap's own message without its heading, tips and usage, on one line.
fn first_paragraph(rendered: &str) -> String {
    let text = rendered.split("\n\n").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_on_one_line() {
        let error = command_line::parse(["wsk", "action", "create"].map(Into::into)).unwrap_err();
        let text = first_paragraph(&error.render().to_string());
        assert_eq!(text, "the following required arguments were not provided: <NAME>");
        let error = command_line::parse(["wsk", "frobnicate"].map(Into::into)).unwrap_err();
        assert_eq!(first_paragraph(&error.render().to_string()), "unrecognized subcommand 'frobnicate'");
    }
}
