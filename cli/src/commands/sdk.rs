//! `wsk sdk install bashauto`: the completion script of this very grammar.

use std::fs::OpenOptions;
use std::io::Write as _;

use clap::{Args, Subcommand};
use clap_complete::aot::{Bash, generate};

use super::{Context, Plan, Planned, Run};
use crate::exit::{self, Failure};
use crate::flags::Leaf;

const SCRIPT_FILE: &str = "wsk_cli_bash_completion.sh";

/// The commands on what can be installed.
#[derive(Debug, Subcommand)]
pub enum SdkCommand {
    /// Install a component: bashauto
    Install(Leaf<InstallArgs>),
}

/// What to install, and where.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The component
    component: String,
    /// Print the script instead of saving it
    #[arg(short, long)]
    stdout: bool,
}

impl Plan for SdkCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Install(leaf) => Planned::leaf(leaf),
        }
    }
}

impl Run for InstallArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        if !self.component.eq_ignore_ascii_case("bashauto") {
            let text = format!("The SDK component '{}' is not known; there is: bashauto", self.component);
            return Err(Failure::usage(text));
        }
        let script = completion_script((context.grammar)());
        let out = context.out();
        if self.stdout {
            out.line(script.trim_end())?;
            return Ok(exit::OK);
        }
        let what = format!("Unable to create the file '{SCRIPT_FILE}'");
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(SCRIPT_FILE)
            .and_then(|mut file| file.write_all(script.as_bytes()))
            .map_err(Failure::file(what))?;
        out.ok(format!("saved the bash completion script in {SCRIPT_FILE}"))?;
        out.line(format!("To complete wsk commands, run: source {SCRIPT_FILE}"))?;
        Ok(exit::OK)
    }
}

fn completion_script(mut grammar: clap::Command) -> String {
    let mut script = b"# bash completion for wsk\n".to_vec();
    generate(Bash, &mut grammar, "wsk", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_script_knows_the_commands() {
        let script = super::completion_script(crate::command_line::grammar());
        assert!(script.starts_with("# bash completion for wsk\n"));
        assert!(script.contains("--web-secure") && script.contains("complete -F"));
    }
}
