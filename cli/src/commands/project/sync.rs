//! `wsk project sync`: deploys a managed project and deletes what is no longer in its manifest.

use clap::Args;

use super::deploy::deploy;
use super::flags::{Marking, ProjectFlags};
use crate::client::Client;
use crate::commands::{Context, Run};
use crate::exit::Failure;
use crate::project::operation::Operation;
use crate::project::remove::{Remover, left_behind, managed_entities};

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

/// Deletes what the project once put on the server and the operations do not.
pub(super) fn remove_left_behind(
    context: &mut Context<'_>,
    client: &Client,
    namespace: &str,
    project: &str,
    operations: &[Operation],
) -> Result<(), Failure> {
    let managed = managed_entities(client, namespace, project);
    let managed =
        managed.map_err(Failure::request(format!("Unable to list the entities of project '{project}'")))?;
    let gateway_token = context.settings.gateway_token.as_deref();
    let mut remover = Remover { client, gateway_token, console: context.console };
    left_behind(managed, operations).iter().try_for_each(|entity| remover.remove(entity))
}
