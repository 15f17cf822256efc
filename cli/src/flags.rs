//! What the commands' flags are made of: the shared ones, the forms of a command in the grammar, and flags
//! that several commands have. Knows no command.

pub(crate) mod go_style;
mod key_values;
mod without_short_debug;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use key_values::{Annotations, FeedParameters, KeyValues, Parameters, TriggerParameters, Variables};
pub use without_short_debug::WithoutShortDebug;

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
