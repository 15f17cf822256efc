//! `wsk project deploy`.

use clap::Args;

use super::flags::{Marking, ProjectFlags, show};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::project::code::load_all;
use crate::project::deploy::Deployer;
use crate::project::remove::Remover;

/// What to deploy.
#[derive(Debug, Args)]
pub struct DeployArgs {
    #[command(flatten)]
    project: ProjectFlags,
    /// Tell what would be deployed, and deploy nothing
    #[arg(long)]
    preview: bool,
    /// Deploy a managed project, like wsk project sync
    #[arg(long)]
    managed: bool,
}

impl Run for DeployArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let marking = if self.managed { Marking::Managed } else { Marking::Unmanaged };
        deploy(context, &self.project, marking, self.preview)
    }
}

/// Deploys a project, or tells what that would mean.
pub(super) fn deploy(
    context: &mut Context<'_>,
    flags: &ProjectFlags,
    marking: Marking,
    preview: bool,
) -> Result<u8, Failure> {
    if preview {
        let prepared = flags.prepare(context, None, marking)?;
        show(context.out(), &prepared.plan.operations)?;
        return Ok(exit::OK);
    }
    let client = context.client()?;
    let prepared = flags.prepare(context, Some(&client), marking)?;
    let operations = &prepared.plan.operations;
    let code = load_all(operations)?;
    let gateway_token = context.settings.gateway_token.as_deref();
    let mut deployer = Deployer { client: &client, gateway_token, console: context.console };
    deployer.deploy(operations, &code)?;
    if let (Marking::Managed, Some(project)) = (marking, &prepared.project) {
        let mut remover = Remover { client: &client, gateway_token, console: context.console };
        remover.remove_left_behind(flags.namespace(), project, operations)?;
    }
    context.out().ok("deployment completed successfully")?;
    Ok(exit::OK)
}
