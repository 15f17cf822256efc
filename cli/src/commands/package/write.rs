//! `wsk package create` and `wsk package update`. Only what was given travels.

use clap::{Args, ValueEnum};

use crate::client::PackageBody;
use crate::commands::deed::Deed;
use crate::commands::{Context, Run};
use crate::exit::Failure;
use crate::flags::{Annotations, Parameters};
use crate::name::PlainName;

/// A new package.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    package: PackageArgs,
}

/// A changed package.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[command(flatten)]
    package: PackageArgs,
}

#[derive(Debug, Args)]
struct PackageArgs {
    /// The package
    name: PlainName,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    annotations: Annotations,
    /// Whether everyone may use the package
    #[arg(long, value_enum, ignore_case = true, hide_possible_values = true, value_name = "yes|no")]
    shared: Option<Shared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shared {
    #[value(alias = "true")]
    Yes,
    #[value(alias = "false")]
    No,
}

impl PackageArgs {
    fn body(&self) -> Result<PackageBody, Failure> {
        Ok(PackageBody {
            binding: None,
            parameters: self.parameters.pairs()?,
            annotations: self.annotations.pairs()?,
            publish: self.shared.map(|shared| shared == Shared::Yes),
        })
    }
}

impl Run for CreateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let (name, body) = (&self.package.name, self.package.body()?);
        let deed = Deed { verb: "create", noun: "package", name: &name.entity };
        deed.run(context, |client| client.packages().create(name, &body))
    }
}

impl Run for UpdateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let (name, body) = (&self.package.name, self.package.body()?);
        let deed = Deed { verb: "update", noun: "package", name: &name.entity };
        deed.run(context, |client| client.packages().update(name, &body))
    }
}
