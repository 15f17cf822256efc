//! `wsk admin user whois UUID:KEY`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// The credential in question.
#[derive(Debug, Args)]
pub struct WhoisArgs {
    /// The credential, uuid:key
    #[arg(value_name = "UUID:KEY")]
    credentials: String,
    #[command(flatten)]
    access: Access,
}

impl Run for WhoisArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let found = self.access.client(context)?.whois(&self.credentials);
        let whois = found.map_err(Failure::request("Unable to find whose the credential is"))?;
        let out = context.out();
        out.line(format_args!("subject: {}", whois.subject))?;
        out.line(format_args!("namespace: {}", whois.namespace))?;
        Ok(exit::OK)
    }
}
