//! `wsk admin user list NAMESPACE`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whose credentials to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The namespace
    namespace: String,
    /// At most that many
    #[arg(short, long, value_name = "COUNT", default_value_t = 1)]
    pick: usize,
    /// The credentials alone
    #[arg(short, long)]
    key: bool,
    /// All of them
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    access: Access,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let listed = self.access.client(context)?.identities(&self.namespace);
        let identities = listed.map_err(Failure::request(format!(
            "Unable to list the users of namespace '{}'",
            self.namespace
        )))?;
        if identities.is_empty() {
            return Err(Failure::Local(format!("Namespace '{}' has no users", self.namespace)));
        }
        let count = if self.all { identities.len() } else { self.pick };
        let out = context.out();
        for identity in identities.iter().take(count) {
            if self.key {
                out.line(&identity.credentials)?;
            } else {
                out.line(format_args!("{}\t{}", identity.credentials, identity.subject))?;
            }
        }
        Ok(exit::OK)
    }
}
