//! `wsk api …`: APIs at the gateway that lead to web actions.

mod create;
mod delete;
mod get;
mod list;
mod target;

use clap::Subcommand;

use super::{Plan, Planned};
use crate::flags::Leaf;

/// The commands on APIs.
#[derive(Debug, Subcommand)]
pub enum ApiCommand {
    /// Lead a path and verb to a web action
    ///
    /// wsk api create [BASE_PATH|NAME] PATH VERB ACTION, or wsk api create --config-file FILE. The base path is
    /// / unless given; the name is that of an API that exists. Parts of the path in braces, as in /item/{id}, reach the action as its parameters; they
    /// need --response-type http.
    Create(Leaf<create::CreateArgs>),
    /// Show the Swagger document of an API
    Get(Leaf<get::GetArgs>),
    /// List the operations of APIs
    List(Leaf<list::ListArgs>),
    /// Delete an API, one path of it, or one operation
    Delete(Leaf<delete::DeleteArgs>),
}

impl Plan for ApiCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Create(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
        }
    }
}
