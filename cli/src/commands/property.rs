//! `wsk property …`: the configuration.

mod get;
mod set;
mod unset;

use std::path::Path;

use clap::Subcommand;

use super::{Context, Plan, Planned};
use crate::exit::Failure;
use crate::flags::{Leaf, Switches};

/// The commands on the configuration.
#[derive(Debug, Subcommand)]
pub enum PropertyCommand {
    /// Set properties: --auth, --apihost, --apiversion, --cert, --key
    Set(Leaf<set::SetArgs>),
    /// Remove properties
    Unset(Leaf<unset::UnsetArgs, Switches>),
    /// Show properties
    Get(Leaf<get::GetArgs, Switches>),
}

impl Plan for PropertyCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Set(leaf) => Planned::leaf(leaf),
            Self::Unset(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
        }
    }
}

/// The file to change.
fn property_file<'c>(context: &'c Context<'_>) -> Result<&'c Path, Failure> {
    let file = context.settings.property_file.as_deref();
    file.ok_or_else(|| Failure::Local("There is no property file: set HOME or WSK_CONFIG_FILE".to_owned()))
}
