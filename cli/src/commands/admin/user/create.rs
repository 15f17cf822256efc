//! `wsk admin user create SUBJECT`.

use clap::Args;

use crate::client::NewSubject;
use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whom to create.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The user, at least five characters
    subject: String,
    /// The credential, uuid:key; made up unless given
    #[arg(short = 'u', long, value_name = "UUID:KEY")]
    auth: Option<String>,
    /// The namespace; named like the user unless given
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Run for CreateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let new = NewSubject { namespace: self.namespace, credentials: self.auth };
        let created = self.access.client(context)?.create_subject(&self.subject, &new);
        let key = created.map_err(Failure::request(format!("Unable to create user '{}'", self.subject)))?;
        context.out().line(key.credentials)?;
        Ok(exit::OK)
    }
}
