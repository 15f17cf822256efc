//! The whole command line: which commands there are, and how it is read. What a command does is in `commands`.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    ActionCommand, ActivationCommand, AdminCommand, ApiCommand, ListArgs, NamespaceCommand, PackageCommand,
    Plan, Planned, ProjectCommand, PropertyCommand, RuleCommand, SdkCommand, TriggerCommand,
};
use crate::exit::Failure;
use crate::flags::{GlobalFlags, Group, Leaf, go_style};
use crate::output::Console;
use crate::settings::Environment;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "wsk", about = "Works with actions and everything else on an OpenWhisk-compatible server.")]
pub struct Wsk {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Flags before the command.
    #[command(flatten)]
    pub globals: GlobalFlags,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work with actions
    Action(Group<ActionCommand>),
    /// Look into activations
    Activation(Group<ActivationCommand>),
    /// Work with packages of actions
    Package(Group<PackageCommand>),
    /// Work with triggers
    Trigger(Group<TriggerCommand>),
    /// Work with rules, which let triggers start actions
    Rule(Group<RuleCommand>),
    /// Work with APIs that lead to web actions
    Api(Group<ApiCommand>),
    /// Deploy whole projects from a manifest
    Project(Group<ProjectCommand>),
    /// Work with namespaces
    Namespace(Group<NamespaceCommand>),
    /// List the entities of a namespace
    List(Leaf<ListArgs>),
    /// Read and change the configuration
    Property(Group<PropertyCommand>),
    /// Install what helps in using the platform
    Sdk(Group<SdkCommand>),
    /// Administer a server: its users and the limits of their namespaces
    Admin(Group<AdminCommand>),
}

impl Plan for Command {
    fn plan(self) -> Planned {
        match self {
            Self::Action(group) => Planned::group(group),
            Self::Activation(group) => Planned::group(group),
            Self::Package(group) => Planned::group(group),
            Self::Trigger(group) => Planned::group(group),
            Self::Rule(group) => Planned::group(group),
            Self::Api(group) => Planned::group(group),
            Self::Project(group) => Planned::group(group),
            Self::Namespace(group) => Planned::group(group),
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Property(group) => Planned::group(group),
            Self::Sdk(group) => Planned::group(group),
            Self::Admin(group) => Planned::group(group),
        }
    }
}

impl Wsk {
    /// Runs the command and returns its exit code.
    ///
    /// # Errors
    /// What the user is to be told, with its exit code.
    pub fn run(self, environment: &Environment, console: &mut Console) -> Result<u8, Failure> {
        self.command.plan().under(self.globals).run(environment, console, grammar)
    }
}

/// The command line's grammar.
#[must_use]
pub fn grammar() -> clap::Command {
    go_style::apply(Wsk::command())
}

/// Reads a command line; the first argument is the program's name.
///
/// # Errors
/// When it is not in the grammar, or asks for help: see [`clap::Error::kind`].
pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Wsk, clap::Error> {
    let matches = grammar().try_get_matches_from(arguments)?;
    Wsk::from_arg_matches(&matches)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Reads `wsk` and the given words.
    pub(crate) fn read(words: &[&str]) -> Result<Wsk, clap::Error> {
        parse(std::iter::once("wsk").chain(words.iter().copied()).map(Into::into))
    }

    #[test]
    fn the_grammar_is_sound() {
        grammar().debug_assert();
    }

    #[test]
    fn shared_flags_go_anywhere() {
        for words in [
            ["-i", "--auth", "a:b", "action", "list"],
            ["action", "-i", "--auth", "a:b", "list"],
            ["action", "list", "-i", "-u", "a:b"],
            ["-u", "old", "action", "-iu", "a:b"].map(|w| if w == "-iu" { "list" } else { w }),
        ] {
            let wsk = read(&words).unwrap();
            let Command::Action(group) = wsk.command else { panic!("not the action command") };
            let ActionCommand::List(leaf) = *group.command else { panic!("not the list command") };
            assert!(wsk.globals.then(group.globals).then(leaf.globals).auth.is_some());
        }
    }
}
