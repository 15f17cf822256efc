//! `wsk rule get NAME [FIELD]`.

use clap::Args;

use crate::commands::summary::Described;
use crate::commands::{Context, Run, Shown, show_entity};
use crate::exit::{self, Failure};
use crate::name::PlainName;

/// Which rule to show, and how.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The rule
    name: PlainName,
    /// Show only this member
    field: Option<String>,
    /// Show name and status
    #[arg(short, long)]
    summary: bool,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let got = context.client()?.rules().get(&self.name);
        let rule = got.map_err(Failure::request(format!("Unable to get rule '{name}'")))?;
        let out = context.out();
        if self.summary {
            let Described { namespace, name, .. } = Described::of(&rule)?;
            let status = rule.member("status").and_then(|status| status.to_text()).unwrap_or_default();
            let (noun, member) = (out.bold("rule"), out.bold("status"));
            out.line(format_args!("{noun} /{namespace}/{name}\n   ({member}: {status})"))?;
        } else {
            show_entity(out, &Shown { noun: "rule", name, entity: &rule }, self.field.as_deref())?;
        }
        Ok(exit::OK)
    }
}
