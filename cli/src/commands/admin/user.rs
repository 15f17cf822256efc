//! `wsk admin user …`.

mod block;
mod create;
mod delete;
mod get;
mod list;
mod whois;

use clap::Subcommand;

use crate::commands::{Plan, Planned};
use crate::flags::{Leaf, Switches};

/// The commands on users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user, or give one another namespace; prints the credential
    Create(Leaf<create::CreateArgs, Switches>),
    /// Print the credential of a user
    Get(Leaf<get::GetArgs, Switches>),
    /// Tell whose a credential is
    Whois(Leaf<whois::WhoisArgs, Switches>),
    /// List who has a credential for a namespace
    List(Leaf<list::ListArgs, Switches>),
    /// Delete a user, or only one namespace of it
    Delete(Leaf<delete::DeleteArgs, Switches>),
    /// Refuse the credentials of users
    Block(Leaf<block::BlockArgs, Switches>),
    /// Accept the credentials of users again
    Unblock(Leaf<block::UnblockArgs, Switches>),
}

impl Plan for UserCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Create(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Whois(leaf) => Planned::leaf(leaf),
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
            Self::Block(leaf) => Planned::leaf(leaf),
            Self::Unblock(leaf) => Planned::leaf(leaf),
        }
    }
}
