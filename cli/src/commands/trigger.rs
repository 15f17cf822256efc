//! `wsk trigger …`.

mod create;
mod delete;
mod feeding;
mod fire;
mod flags;
mod get;
mod update;

use clap::Subcommand;

use super::collection::CollectionArgs;
use super::{Plan, Planned};
use crate::client::TriggerBody;
use crate::flags::Leaf;

/// The commands on triggers.
#[derive(Debug, Subcommand)]
pub enum TriggerCommand {
    /// Create a trigger, with --feed one that a feed fires
    ///
    /// With --feed the parameters of -p and -F go to the feed action, which is told that the trigger was
    /// created; those of -T stay with the trigger. If the feed fails, the trigger is deleted again.
    Create(Leaf<create::CreateArgs>),
    /// Change a trigger, or create it
    ///
    /// Parameters and annotations are replaced as a whole. Parameters for the feed of a trigger are handed
    /// to it; another --feed takes the place of the old one.
    Update(Leaf<update::UpdateArgs>),
    /// Fire a trigger: its active rules start their actions
    Fire(Leaf<fire::FireArgs>),
    /// Show a trigger; one with a feed shows what the feed says of it
    Get(Leaf<get::GetArgs>),
    /// Delete a trigger, and tell its feed
    Delete(Leaf<delete::DeleteArgs>),
    /// List triggers
    List(Leaf<CollectionArgs<TriggerBody>>),
}

impl Plan for TriggerCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Create(leaf) => Planned::leaf(leaf),
            Self::Update(leaf) => Planned::leaf(leaf),
            Self::Fire(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
            Self::List(leaf) => Planned::leaf(leaf),
        }
    }
}
