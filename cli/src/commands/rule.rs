//! `wsk rule …`.

mod delete;
mod get;
mod state;
mod status;
mod write;

use clap::Subcommand;

use super::collection::CollectionArgs;
use super::{Plan, Planned};
use crate::client::RuleBody;
use crate::flags::Leaf;

/// The commands on rules.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// Create a rule: when the trigger fires, the action runs
    Create(Leaf<write::CreateArgs>),
    /// Change trigger and action of a rule, or create it
    Update(Leaf<write::UpdateArgs>),
    /// Let a rule start its action
    Enable(Leaf<state::EnableArgs>),
    /// Keep a rule from starting its action
    Disable(Leaf<state::DisableArgs>),
    /// Tell whether a rule is active
    Status(Leaf<status::StatusArgs>),
    /// Show a rule
    Get(Leaf<get::GetArgs>),
    /// Delete a rule
    Delete(Leaf<delete::DeleteArgs>),
    /// List rules with their status
    List(Leaf<CollectionArgs<RuleBody>>),
}

impl Plan for RuleCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Create(leaf) => Planned::leaf(leaf),
            Self::Update(leaf) => Planned::leaf(leaf),
            Self::Enable(leaf) => Planned::leaf(leaf),
            Self::Disable(leaf) => Planned::leaf(leaf),
            Self::Status(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
            Self::List(leaf) => Planned::leaf(leaf),
        }
    }
}
