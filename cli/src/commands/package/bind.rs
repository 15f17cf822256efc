//! `wsk package bind PACKAGE NAME`.

use clap::Args;

use crate::client::{BindingBody, PackageBody};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::flags::{Annotations, Parameters};
use crate::name::PlainName;

/// What to bind, and to which name.
#[derive(Debug, Args)]
pub struct BindArgs {
    /// The package to bind
    package: PlainName,
    /// The binding
    name: PlainName,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    annotations: Annotations,
    /// Change the binding if there is one
    #[arg(short, long)]
    overwrite: bool,
}

impl Run for BindArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let body = PackageBody {
            binding: Some(BindingBody::from(&self.package)),
            parameters: self.parameters.pairs()?,
            annotations: self.annotations.pairs()?,
            publish: None,
        };
        let client = context.client()?;
        let packages = client.packages();
        let bound = match self.overwrite {
            true => packages.update(&self.name, &body),
            false => packages.create(&self.name, &body),
        };
        let name = &self.name.entity;
        bound.map_err(Failure::request(format!("Unable to bind package '{name}'")))?;
        let out = context.out();
        out.ok(format!("created binding {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}
