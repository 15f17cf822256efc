//! `wsk admin limits …`.

mod delete;
mod flags;
mod get;
mod set;

use clap::Subcommand;

use crate::commands::{Plan, Planned};
use crate::flags::{Leaf, Switches};

/// The commands on limits.
#[derive(Debug, Subcommand)]
pub enum LimitsCommand {
    /// Set limits of a namespace; those not given stay as they are
    Set(Leaf<set::SetArgs, Switches>),
    /// Show the limits that a namespace has of its own
    Get(Leaf<get::GetArgs, Switches>),
    /// Let a namespace have the system's limits again
    Delete(Leaf<delete::DeleteArgs, Switches>),
}

impl Plan for LimitsCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Set(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
        }
    }
}
