//! `wsk trigger fire NAME`.

use clap::Args;
use whirl_model::Json;

use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::flags::Parameters;
use crate::name::PlainName;

/// Which trigger to fire, and with what.
#[derive(Debug, Args)]
pub struct FireArgs {
    /// The trigger
    name: PlainName,
    #[command(flatten)]
    parameters: Parameters,
}

impl Run for FireArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let payload = self.parameters.read()?.map(|values| Json::of(&values));
        let fired = context.client()?.triggers().fire(&self.name, payload.as_ref());
        let id = fired.map_err(Failure::request(format!("Unable to fire trigger '{}'", self.name.entity)))?;
        let out = context.out();
        let (name, id) = (out.bold(&self.name.to_string()), out.bold(id.as_deref().unwrap_or_default()));
        out.ok(format!("triggered {name} with id {id}"))?;
        Ok(exit::OK)
    }
}
