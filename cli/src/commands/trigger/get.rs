//! `wsk trigger get NAME [FIELD]`: shows a trigger, or has its feed tell how it is set up.

use clap::Args;
use indexmap::IndexMap;

use super::feeding::Feeding;
use crate::commands::summary::{self, Described};
use crate::commands::{Context, Run, Shown, show_entity};
use crate::exit::{self, Failure};
use crate::feed::{self, Event};
use crate::name::PlainName;

/// Which trigger to show, and how.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The trigger
    name: PlainName,
    /// Show only this member
    field: Option<String>,
    /// Show description and parameters
    #[arg(short, long)]
    summary: bool,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let what = format!("Unable to get trigger '{name}'");
        let client = context.client()?;
        let trigger = client.triggers().get(&self.name).map_err(Failure::request(&what))?;
        let described = Described::of(&trigger)?;
        let out = context.console.out();
        if self.summary {
            let text = summary::of_entity("trigger", &described, out);
            out.line(text)?;
            return Ok(exit::OK);
        }
        match (feed::of_annotations(&described.annotations), &self.field) {
            (Some(feed), None) => {
                let feeding = Feeding { client: &client, trigger: &self.name, feed: &feed, what: &what };
                feeding.tell(context.console, Event::Read, IndexMap::new())?;
            }
            (_, field) => {
                show_entity(out, &Shown { noun: "trigger", name, entity: &trigger }, field.as_deref())?;
            }
        }
        Ok(exit::OK)
    }
}
