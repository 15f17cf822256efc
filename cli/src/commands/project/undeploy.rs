//! `wsk project undeploy`.

use clap::Args;

use super::flags::{Marking, ProjectFlags, show};
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
        let project = self.project.name_alone().filter(|_| !self.preview);
        let operations = match project {
            Some(_) => Vec::new(),
            None => self.project.prepare(context, None, Marking::Unmanaged)?.plan.operations,
        };
        if self.preview {
            show(context.out(), &operations)?;
            return Ok(exit::OK);
        }
        let client = context.client()?;
        let gateway_token = context.settings.gateway_token.as_deref();
        let mut remover = Remover { client: &client, gateway_token, console: context.console };
        match project {
            Some(project) => remover.remove_left_behind(self.project.namespace(), project, &operations)?,
            None => remover.undeploy(&operations)?,
        }
        context.out().ok("undeployment completed successfully")?;
        Ok(exit::OK)
    }
}
