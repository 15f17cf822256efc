//! The command line as clap reads it: which commands there are, and the flags that all of them share. What
//! the commands do with their flags is in `commands`.

mod go_style;
mod key_values;
mod without_short_debug;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use std::path::PathBuf;

use crate::commands::{
    ActionCommand, ActivationCommand, AdminCommand, ApiCommand, ListArgs, NamespaceCommand, PackageCommand,
    ProjectCommand, PropertyCommand, RuleCommand, SdkCommand, TriggerCommand,
};

pub use key_values::{Annotations, FeedParameters, KeyValues, Parameters, TriggerParameters, Variables};
pub use without_short_debug::WithoutShortDebug;

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

/// A command that only groups others.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Group<C: Subcommand> {
    /// The command below.
    #[command(subcommand)]
    pub command: Box<C>,
    /// Flags between group and command.
    #[command(flatten)]
    pub globals: GlobalFlags,
}

/// A command that does something, with its own flags and the shared ones.
#[derive(Debug, Args)]
pub struct Leaf<A: Args, G: Args = GlobalFlags> {
    /// The command's own flags.
    #[command(flatten)]
    pub args: A,
    /// Shared flags after the command.
    #[command(flatten)]
    pub globals: G,
}

/// Flags that every command takes, anywhere on the line.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Global flags")]
pub struct GlobalFlags {
    /// Authorization key, uuid:key
    #[arg(short = 'u', long, value_name = "KEY")]
    pub auth: Option<String>,
    /// API host; https unless it names a scheme
    #[arg(long, value_name = "HOST")]
    pub apihost: Option<String>,
    /// API version
    #[arg(long, value_name = "VERSION")]
    pub apiversion: Option<String>,
    /// Client certificate, a PEM file
    #[arg(long, value_name = "FILE")]
    pub cert: Option<String>,
    /// Private key of the client certificate, a PEM file
    #[arg(long, value_name = "FILE")]
    pub key: Option<String>,
    /// Property file instead of ~/.wskprops
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Flags that are on or off.
    #[command(flatten)]
    pub switches: Switches,
}

/// The shared flags that are on or off.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Global flags")]
pub struct Switches {
    /// Do not check the server's certificate
    #[arg(short, long)]
    pub insecure: bool,
    /// Show requests and answers
    #[arg(short, long)]
    pub verbose: bool,
    /// Tell what happens underneath
    #[arg(short, long)]
    pub debug: bool,
}

impl GlobalFlags {
    /// These flags and those further right, which win.
    #[must_use]
    pub fn then(self, right: Self) -> Self {
        Self {
            auth: right.auth.or(self.auth),
            apihost: right.apihost.or(self.apihost),
            apiversion: right.apiversion.or(self.apiversion),
            cert: right.cert.or(self.cert),
            key: right.key.or(self.key),
            config: right.config.or(self.config),
            switches: self.switches.then(right.switches),
        }
    }
}

impl std::fmt::Debug for GlobalFlags {
    /// Without the credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GlobalFlags")
            .field("auth", &self.auth.as_ref().map(|_| "XXXX"))
            .field("apihost", &self.apihost)
            .field("apiversion", &self.apiversion)
            .field("cert", &self.cert)
            .field("key", &self.key)
            .field("config", &self.config)
            .field("switches", &self.switches)
            .finish()
    }
}

impl Switches {
    fn then(self, right: Self) -> Self {
        Self {
            insecure: self.insecure || right.insecure,
            verbose: self.verbose || right.verbose,
            debug: self.debug || right.debug,
        }
    }
}

impl From<Switches> for GlobalFlags {
    fn from(switches: Switches) -> Self {
        Self { switches, ..Self::default() }
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
