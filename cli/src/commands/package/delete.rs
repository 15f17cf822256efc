//! `wsk package delete NAME`.

use clap::Args;

use crate::commands::deed::Deed;
use crate::commands::{Context, Run};
use crate::exit::Failure;
use crate::name::PlainName;

/// Which package to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The package
    name: PlainName,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let deed = Deed { verb: "delete", noun: "package", name: &self.name.entity };
        deed.run(context, |client| client.packages().delete(&self.name))
    }
}
