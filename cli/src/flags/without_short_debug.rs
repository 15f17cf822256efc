//! The shared flags for commands to which `-d` means something of their own: `--debug` is written out there.

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::GlobalFlags;

/// [`GlobalFlags`] without `-d`.
#[derive(Clone, Debug, Default)]
pub struct WithoutShortDebug(GlobalFlags);

impl From<WithoutShortDebug> for GlobalFlags {
    fn from(flags: WithoutShortDebug) -> Self {
        flags.0
    }
}

impl Args for WithoutShortDebug {
    fn augment_args(command: Command) -> Command {
        GlobalFlags::augment_args(command).mut_arg("debug", |argument| argument.short(None))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for WithoutShortDebug {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        GlobalFlags::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}
