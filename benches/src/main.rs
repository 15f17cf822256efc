//! Measures how fast Whirl is, always beside what the same work costs without it, and reports the figures next
//! to their targets. Decides nothing about Whirl: it is a client like any other.

mod action;
mod admin;
mod docker;
mod error;
mod flags;
mod http;
mod latencies;
mod load;
mod machine;
mod measure;
mod platform;
mod report;
mod server;
mod stop;
mod twin;

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::error::Error;
use crate::flags::Flags;
use crate::machine::Machine;
use crate::report::{Block, Report};
use crate::stop::Stop;

/// What a shell reports of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let outcome = run(&Flags::parse());
    outcome.unwrap_or_else(|error| {
        // Nobody is left to tell if this cannot be written.
        let _ = writeln!(std::io::stderr(), "whirl-benches: {error:#}");
        match error.downcast_ref() {
            Some(Error::Interrupted) => ExitCode::from(INTERRUPTED),
            _ => ExitCode::FAILURE,
        }
    })
}

/// Measures and reports. Fails if anything failed while it measured.
fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let plan = flags.plan(Stop::on_signals()?)?;
    let machine = Machine::look(&plan.whirl);
    let mut report = Report { command: command_line(), machine, sections: Vec::new() };
    let mut failed = 0;
    for (name, measure) in flags.measurements() {
        match measure(&plan) {
            Ok(sections) => report.sections.extend(sections),
            Err(Error::Interrupted) => return Err(Error::Interrupted.into()),
            Err(error) => {
                failed += 1;
                writeln!(std::io::stderr(), "{name}: {:#}", anyhow::Error::from(error))?;
            }
        }
    }
    report.machine.look_again();
    writeln!(std::io::stdout(), "{report}")?;
    flags.json.as_deref().map(|path| write_json(path, &report)).transpose()?;
    flags.markdown.as_deref().map(|path| write_markdown(path, flags.block(), &report)).transpose()?;
    let errors = report.errors();
    anyhow::ensure!(failed == 0, "{failed} measurements failed");
    anyhow::ensure!(errors == 0, "{errors} calls failed");
    Ok(ExitCode::SUCCESS)
}

/// How this run was asked for, without the key.
fn command_line() -> String {
    let features = if cfg!(feature = "cluster") { " --features cluster" } else { "" };
    let mut line = format!("cargo run --release -p whirl-benches{features} --");
    let mut secret = false;
    for argument in std::env::args().skip(1) {
        line.push(' ');
        line.push_str(match argument.as_str() {
            _ if secret => "…",
            key if key.starts_with("--auth=") => "--auth=…",
            other => other,
        });
        secret = argument == "--auth";
    }
    line
}

fn write_json(path: &std::path::Path, report: &Report) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    fs::write(path, text).with_context(|| format!("cannot write '{}'", path.display()))
}

fn write_markdown(path: &std::path::Path, block: Block, report: &Report) -> anyhow::Result<()> {
    let page = fs::read_to_string(path).with_context(|| format!("cannot read '{}'", path.display()))?;
    let page = block.replace(&page, report).with_context(|| {
        format!("'{}' has no marks '{}' between which figures go", path.display(), block.0)
    })?;
    fs::write(path, page).with_context(|| format!("cannot write '{}'", path.display()))
}
