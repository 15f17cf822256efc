//! `wsk namespace …`.

use clap::{Args, Subcommand};

use super::{Context, ListArgs, Plan, Planned, Run};
use crate::exit::{self, Failure};
use crate::flags::Leaf;

/// The commands on namespaces.
#[derive(Debug, Subcommand)]
pub enum NamespaceCommand {
    /// List the namespaces that the key opens
    List(Leaf<NamespaceListArgs>),
    /// List the entities of a namespace
    Get(Leaf<ListArgs>),
}

/// Nothing to choose.
#[derive(Debug, Args)]
pub struct NamespaceListArgs {}

impl Plan for NamespaceCommand {
    fn plan(self) -> Planned {
        match self {
            Self::List(leaf) => Planned::leaf(leaf),
            Self::Get(leaf) => Planned::leaf(leaf),
        }
    }
}

impl Run for NamespaceListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let listed = context.client()?.namespaces().list();
        let namespaces = listed.map_err(Failure::request("Unable to obtain the list of namespaces"))?;
        let out = context.out();
        out.line(out.bold("namespaces"))?;
        for namespace in namespaces {
            out.line(namespace)?;
        }
        Ok(exit::OK)
    }
}
