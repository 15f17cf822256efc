//! `wsk project sync`: deploys a managed project and deletes what is no longer in its manifest.

use clap::Args;

use super::deploy::deploy;
use super::flags::{Marking, ProjectFlags};
use crate::commands::{Context, Run};
use crate::exit::Failure;

/// What to bring up to date.
#[derive(Debug, Args)]
pub struct SyncArgs {
    #[command(flatten)]
    project: ProjectFlags,
    /// Tell what would be deployed, and deploy nothing
    #[arg(long)]
    preview: bool,
}

impl Run for SyncArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        deploy(context, &self.project, Marking::Managed, self.preview)
    }
}
