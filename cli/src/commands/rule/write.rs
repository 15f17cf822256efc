//! `wsk rule create NAME TRIGGER ACTION` and `wsk rule update NAME TRIGGER ACTION`.

use clap::Args;

use crate::client::RuleBody;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::{PlainName, QualifiedName};

/// A new rule.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    rule: RuleArgs,
}

/// A changed rule.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[command(flatten)]
    rule: RuleArgs,
}

#[derive(Debug, Args)]
struct RuleArgs {
    /// The rule
    name: PlainName,
    /// The trigger that starts the action
    trigger: PlainName,
    /// The action
    action: QualifiedName,
}

impl RuleArgs {
    fn body(&self) -> RuleBody {
        RuleBody {
            trigger: Some(self.trigger.to_string()),
            action: Some(self.action.to_string()),
            annotations: None,
        }
    }
}

impl Run for CreateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.rule.name.entity;
        let created = context.client()?.rules().create(&self.rule.name, &self.rule.body());
        created.map_err(Failure::request(format!("Unable to create rule '{name}'")))?;
        let out = context.out();
        out.ok(format!("created rule {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}

impl Run for UpdateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.rule.name.entity;
        let updated = context.client()?.rules().update(&self.rule.name, &self.rule.body());
        updated.map_err(Failure::request(format!("Unable to update rule '{name}'")))?;
        let out = context.out();
        out.ok(format!("updated rule {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}
