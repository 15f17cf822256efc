//! `wsk rule delete NAME`.

use clap::Args;

use crate::client::RuleState;
use crate::commands::deed::Deed;
use crate::commands::{Context, Run};
use crate::exit::Failure;
use crate::name::PlainName;

/// Which rule to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The rule
    name: PlainName,
    /// Disable the rule first, for servers that delete inactive rules only
    #[arg(long)]
    disable: bool,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        if self.disable {
            let disabled = context.client()?.rules().set_state(&self.name, RuleState::Inactive);
            disabled.map_err(Failure::request(format!("Unable to disable rule '{name}'")))?;
        }
        let deed = Deed { verb: "delete", noun: "rule", name };
        deed.run(context, |client| client.rules().delete(&self.name))
    }
}
