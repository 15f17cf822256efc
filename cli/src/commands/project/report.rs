//! `wsk project report`.

use clap::Args;

use super::flags::{Marking, ProjectFlags, show};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// What to tell of.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    project: ProjectFlags,
}

impl Run for ReportArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let prepared = self.project.prepare(context, None, Marking::Unmanaged)?;
        show(context.out(), &prepared.plan.operations)?;
        Ok(exit::OK)
    }
}
