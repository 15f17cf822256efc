//! `wsk project undeploy`.

use clap::Args;

use super::flags::{Marking, ProjectFlags, show};
use super::sync::remove_left_behind;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::project::remove::Remover;

/// What to undeploy.
#[derive(Debug, Args)]
pub struct UndeployArgs {
    #[command(flatten)]
    project: ProjectFlags,
    /// Tell what would be deleted, and delete nothing
    #[arg(long)]
    preview: bool,
}

impl Run for UndeployArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        if let (Some(project), false) = (self.project.name_alone(), self.preview) {
            let client = context.client()?;
            remove_left_behind(context, &client, self.project.namespace(), project, &[])?;
            context.out().ok("undeployment completed successfully")?;
            return Ok(exit::OK);
        }
        let prepared = self.project.prepare(context, None, Marking::Unmanaged)?;
        let operations = &prepared.plan.operations;
        if self.preview {
            show(context.out(), operations)?;
            return Ok(exit::OK);
        }
        let client = context.client()?;
        let gateway_token = context.settings.gateway_token.as_deref();
        let mut remover = Remover { client: &client, gateway_token, console: context.console };
        remover.undeploy(operations)?;
        context.out().ok("undeployment completed successfully")?;
        Ok(exit::OK)
    }
}
