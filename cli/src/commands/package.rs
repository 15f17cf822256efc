//! `wsk package …`.

mod bind;
mod delete;
mod get;
mod refresh;
mod write;

use clap::Subcommand;

use super::collection::CollectionArgs;
use super::{Plan, Planned};
use crate::client::PackageBody;
use crate::flags::Leaf;

/// The commands on packages.
#[derive(Debug, Subcommand)]
pub enum PackageCommand {
    /// Create a package
    ///
    /// Its parameters reach all actions in it; an action's own parameters and those of the invocation win.
    Create(Leaf<write::CreateArgs>),
    /// Change a package, or create it
    ///
    /// Only what is given changes; parameters and annotations are replaced as a whole.
    Update(Leaf<write::UpdateArgs>),
    /// Bind a package to another name, with parameters of its own
    ///
    /// The actions of the package can then be invoked under the name of the binding, with the binding's
    /// parameters on top of the package's.
    Bind(Leaf<bind::BindArgs>),
    /// Show a package
    Get(Leaf<get::GetArgs>),
    /// Delete an empty package, or a binding
    Delete(Leaf<delete::DeleteArgs>),
    /// List packages
    List(Leaf<CollectionArgs<PackageBody>>),
    /// Ask the server to look for packages anew
    Refresh(Leaf<refresh::RefreshArgs>),
}

impl Plan for PackageCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Create(leaf) => Planned::leaf(leaf),
            Self::Update(leaf) => Planned::leaf(leaf),
            Self::Bind(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
            Self::Delete(leaf) => Planned::leaf(leaf),
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Refresh(leaf) => Planned::leaf(leaf),
        }
    }
}
