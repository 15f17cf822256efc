//! `wsk activation …`.

mod follow;
mod get;
mod list;
mod logs;
mod poll;
mod result;
mod strip;
mod target;

use clap::Subcommand;

use super::{Plan, Planned};
use crate::flags::Leaf;

/// The commands on activations.
#[derive(Debug, Subcommand)]
pub enum ActivationCommand {
    /// List activations
    List(Leaf<list::ListArgs>),
    /// Show an activation
    Get(Leaf<get::GetArgs>),
    /// Show the logs of an activation
    Logs(Leaf<logs::LogsArgs>),
    /// Show the result of an activation
    Result(Leaf<result::ResultArgs>),
    /// Show the logs of activations as they come
    Poll(Leaf<poll::PollArgs>),
}

impl Plan for ActivationCommand {
    fn plan(self) -> Planned {
        match self {
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Logs(leaf) => Planned::leaf(leaf),
            Self::Result(leaf) => Planned::leaf(leaf),
            Self::Poll(leaf) => Planned::leaf(leaf),
        }
    }
}
