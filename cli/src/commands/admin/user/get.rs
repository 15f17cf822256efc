//! `wsk admin user get SUBJECT`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whose credential to print.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The user
    subject: String,
    /// The namespace; the one named like the user unless given
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// All namespaces of the user, each with its credential
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    access: Access,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let got = self.access.client(context)?.subject(&self.subject);
        let subject = got.map_err(Failure::request(format!("Unable to get user '{}'", self.subject)))?;
        let out = context.out();
        if self.all {
            for namespace in &subject.namespaces {
                out.line(format_args!("{}\t{}", namespace.name, namespace.credentials))?;
            }
            return Ok(exit::OK);
        }
        let wanted = self.namespace.as_ref().unwrap_or(&subject.subject);
        let found = subject.namespaces.iter().find(|namespace| namespace.name == *wanted);
        let namespace = found.ok_or_else(|| {
            Failure::Local(format!("User '{}' has no namespace '{wanted}'", subject.subject))
        })?;
        out.line(&namespace.credentials)?;
        Ok(exit::OK)
    }
}
