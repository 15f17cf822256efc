//! `wsk rule enable NAME` and `wsk rule disable NAME`.

use clap::Args;

use crate::client::RuleState;
use crate::commands::deed::Deed;
use crate::commands::{Context, Run};
use crate::exit::Failure;
use crate::name::PlainName;

/// Which rule to enable.
#[derive(Debug, Args)]
pub struct EnableArgs {
    /// The rule
    name: PlainName,
}

/// Which rule to disable.
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// The rule
    name: PlainName,
}

impl Run for EnableArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let deed = Deed { verb: "enable", noun: "rule", name: &self.name.entity };
        deed.run(context, |client| client.rules().set_state(&self.name, RuleState::Active))
    }
}

impl Run for DisableArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let deed = Deed { verb: "disable", noun: "rule", name: &self.name.entity };
        deed.run(context, |client| client.rules().set_state(&self.name, RuleState::Inactive))
    }
}
