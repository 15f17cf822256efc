//! `wsk rule create NAME TRIGGER ACTION` and `wsk rule update NAME TRIGGER ACTION`.

use clap::Args;

use crate::client::RuleBody;
use crate::commands::deed::Deed;
use crate::commands::{Context, Run};
use crate::exit::Failure;
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
        let name = &self.rule.name;
        let deed = Deed { verb: "create", noun: "rule", name: &name.entity };
        deed.run(context, |client| client.rules().create(name, &self.rule.body()))
    }
}

impl Run for UpdateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.rule.name;
        let deed = Deed { verb: "update", noun: "rule", name: &name.entity };
        deed.run(context, |client| client.rules().update(name, &self.rule.body()))
    }
}
