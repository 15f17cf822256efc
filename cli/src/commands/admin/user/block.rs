//! `wsk admin user block SUBJECT…` and `wsk admin user unblock SUBJECT…`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whom to block.
#[derive(Debug, Args)]
pub struct BlockArgs {
    /// The users
    #[arg(required = true)]
    subjects: Vec<String>,
    #[command(flatten)]
    access: Access,
}

/// Whom to unblock.
#[derive(Debug, Args)]
pub struct UnblockArgs {
    /// The users
    #[arg(required = true)]
    subjects: Vec<String>,
    #[command(flatten)]
    access: Access,
}

impl Run for BlockArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = self.access.client(context)?;
        for subject in &self.subjects {
            let blocked = client.set_blocked(subject, true);
            blocked.map_err(Failure::request(format!("Unable to block user '{subject}'")))?;
            context.out().line(format_args!("\"{subject}\" blocked successfully"))?;
        }
        Ok(exit::OK)
    }
}

impl Run for UnblockArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = self.access.client(context)?;
        for subject in &self.subjects {
            let unblocked = client.set_blocked(subject, false);
            unblocked.map_err(Failure::request(format!("Unable to unblock user '{subject}'")))?;
            context.out().line(format_args!("\"{subject}\" unblocked successfully"))?;
        }
        Ok(exit::OK)
    }
}
