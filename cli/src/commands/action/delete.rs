//! `wsk action delete NAME`.

use clap::Args;

use crate::commands::deed::Deed;
use crate::commands::{Context, Run};
use crate::exit::Failure;
use crate::name::QualifiedName;

/// Which action to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The action
    name: QualifiedName,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let deed = Deed { verb: "delete", noun: "action", name: &self.name.local() };
        deed.run(context, |client| client.actions().delete(&self.name))
    }
}
