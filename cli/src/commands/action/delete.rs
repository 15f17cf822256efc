//! `wsk action delete NAME`.

use clap::Args;

use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::QualifiedName;

/// Which action to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The action
    name: QualifiedName,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = self.name.local();
        let deleted = context.client()?.actions().delete(&self.name);
        deleted.map_err(Failure::request(format!("Unable to delete action '{name}'")))?;
        let out = context.out();
        out.ok(format!("deleted action {}", out.bold(&name)))?;
        Ok(exit::OK)
    }
}
