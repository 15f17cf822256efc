//! `wsk activation result ID`.

use clap::Args;
use whirl_model::Json;

use super::target::LastFlag;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::OWN_NAMESPACE;

/// Whose result to show.
#[derive(Debug, Args)]
pub struct ResultArgs {
    /// The activation
    id: Option<String>,
    #[command(flatten)]
    last: LastFlag,
}

impl Run for ResultArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let id = self.last.id(&client, self.id)?;
        let response = client.activations().result(OWN_NAMESPACE, &id);
        let response =
            response.map_err(Failure::request(format!("Unable to get result for activation '{id}'")))?;
        context.out().json(&response.member("result").unwrap_or_else(|| Json::of(&())))?;
        Ok(exit::OK)
    }
}
