//! `wsk package delete NAME`.

use clap::Args;

use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::PlainName;

/// Which package to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The package
    name: PlainName,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let deleted = context.client()?.packages().delete(&self.name);
        deleted.map_err(Failure::request(format!("Unable to delete package '{name}'")))?;
        let out = context.out();
        out.ok(format!("deleted package {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}
