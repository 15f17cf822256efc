//! `wsk action …`.

mod code;
mod delete;
mod get;
pub(super) mod invoke;
mod list;
mod save;
mod web;
mod write;

use clap::Subcommand;

pub(crate) use save::save_below;
pub(crate) use web::Web;

use super::{Plan, Planned};
use crate::flags::Leaf;

/// The commands on actions.
#[derive(Debug, Subcommand)]
pub enum ActionCommand {
    /// Create an action
    Create(Leaf<write::CreateArgs>),
    /// Change an action, or create it
    Update(Leaf<write::UpdateArgs>),
    /// Run an action
    Invoke(Leaf<invoke::InvokeArgs>),
    /// Show an action, or save its code
    Get(Leaf<get::GetArgs>),
    /// Delete an action
    Delete(Leaf<delete::DeleteArgs>),
    /// List actions
    List(Leaf<list::ListArgs>),
}

impl Plan for ActionCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Create(leaf) => Planned::leaf(leaf),
            Self::Update(leaf) => Planned::leaf(leaf),
            Self::Invoke(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
            Self::List(leaf) => Planned::leaf(leaf),
        }
    }
}
