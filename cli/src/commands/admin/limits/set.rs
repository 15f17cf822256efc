//! `wsk admin limits set NAMESPACE`.

use clap::Args;

use super::flags::LimitFlags;
use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Which limits to set.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The namespace
    namespace: String,
    #[command(flatten)]
    limits: Box<LimitFlags>,
    #[command(flatten)]
    access: Access,
}

impl Run for SetArgs {
    /// The server knows limits only as a whole, so those not given are read first.
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let given = self.limits.members();
        if given.is_empty() {
            return Err(Failure::usage("Nothing to set: give at least one limit"));
        }
        let what = format!("Unable to set the limits of namespace '{}'", self.namespace);
        let client = self.access.client(context)?;
        let mut limits = client.limits(&self.namespace).map_err(Failure::request(&what))?.unwrap_or_default();
        limits.extend(given);
        client.set_limits(&self.namespace, &limits).map_err(Failure::request(&what))?;
        context.out().line(format_args!("Limits successfully set for \"{}\"", self.namespace))?;
        Ok(exit::OK)
    }
}
