//! `wsk rule status NAME`.

use clap::Args;

use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::PlainName;

/// Which rule to ask for.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The rule
    name: PlainName,
}

impl Run for StatusArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let got = context.client()?.rules().get(&self.name);
        let rule = got.map_err(Failure::request(format!("Unable to get status of rule '{name}'")))?;
        let status = rule.member("status").and_then(|status| status.to_text()).unwrap_or_default();
        let out = context.out();
        out.ok(format!("rule {} is {}", out.bold(name), out.bold(&status)))?;
        Ok(exit::OK)
    }
}
