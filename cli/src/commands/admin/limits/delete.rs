//! `wsk admin limits delete NAMESPACE`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whose limits to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The namespace
    namespace: String,
    #[command(flatten)]
    access: Access,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let what = format!("Unable to delete the limits of namespace '{}'", self.namespace);
        self.access.client(context)?.delete_limits(&self.namespace).map_err(Failure::request(what))?;
        context.out().line("Limits deleted")?;
        Ok(exit::OK)
    }
}
