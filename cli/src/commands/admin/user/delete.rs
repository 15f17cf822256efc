//! `wsk admin user delete SUBJECT`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whom to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The user
    subject: String,
    /// Only this namespace of the user
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let deleted = self.access.client(context)?.delete_subject(&self.subject, self.namespace.as_deref());
        deleted.map_err(Failure::request(format!("Unable to delete user '{}'", self.subject)))?;
        context.out().line(if self.namespace.is_some() { "Namespace deleted" } else { "Subject deleted" })?;
        Ok(exit::OK)
    }
}
