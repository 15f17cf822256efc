//! `wsk rule enable NAME` and `wsk rule disable NAME`.

use clap::Args;

use crate::client::RuleState;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
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
        let name = &self.name.entity;
        let enabled = context.client()?.rules().set_state(&self.name, RuleState::Active);
        enabled.map_err(Failure::request(format!("Unable to enable rule '{name}'")))?;
        let out = context.out();
        out.ok(format!("enabled rule {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}

impl Run for DisableArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let disabled = context.client()?.rules().set_state(&self.name, RuleState::Inactive);
        disabled.map_err(Failure::request(format!("Unable to disable rule '{name}'")))?;
        let out = context.out();
        out.ok(format!("disabled rule {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}
