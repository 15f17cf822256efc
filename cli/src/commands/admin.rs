//! `wsk admin …`: users and limits of a server, for whoever runs it.

mod access;
mod limits;
mod user;

use clap::Subcommand;

use super::{Plan, Planned};
use crate::flags::Group;

/// The commands of administration.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Manage users: subjects with a credential for each of their namespaces
    User(Group<user::UserCommand>),
    /// Manage the limits of single namespaces
    Limits(Group<limits::LimitsCommand>),
}

impl Plan for AdminCommand {
    fn plan(self) -> Planned {
        match self {
            Self::User(group) => Planned::group(group),
            Self::Limits(group) => Planned::group(group),
        }
    }
}
