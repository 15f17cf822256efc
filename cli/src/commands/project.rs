//! `wsk project …`.

mod deploy;
mod export;
mod flags;
mod report;
mod sync;
mod undeploy;

use clap::Subcommand;

use super::{Plan, Planned};
use crate::flags::{Leaf, WithoutShortDebug};

/// The commands on projects.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Deploy the packages, actions, triggers, rules and APIs of a manifest
    ///
    /// The manifest is manifest.yaml in the project's folder unless --manifest names another file. A
    /// deployment file lays other inputs and annotations over it. In both, $NAME and ${NAME} stand for
    /// values of --param and --param-file or of the environment. What is there already is updated.
    Deploy(Leaf<deploy::DeployArgs, WithoutShortDebug>),
    /// Delete what a manifest deploys, or all that a managed project put on the server
    Undeploy(Leaf<undeploy::UndeployArgs, WithoutShortDebug>),
    /// Deploy a managed project: what is no longer in its manifest is deleted
    Sync(Leaf<sync::SyncArgs, WithoutShortDebug>),
    /// Write a manifest, and the code beside it, out of what is on the server
    Export(Leaf<export::ExportArgs, WithoutShortDebug>),
    /// Tell what a manifest holds
    Report(Leaf<report::ReportArgs, WithoutShortDebug>),
}

impl Plan for ProjectCommand {
    fn plan(self) -> Planned {
        match self {
            Self::Deploy(leaf) => Planned::leaf(leaf),
            Self::Undeploy(leaf) => Planned::leaf(leaf),
            Self::Sync(leaf) => Planned::leaf(leaf),
            Self::Export(leaf) => Planned::leaf(leaf),
            Self::Report(leaf) => Planned::leaf(leaf),
        }
    }
}
