//! `wsk trigger delete NAME`: tells the trigger's feed, then deletes the trigger.

use clap::Args;
use indexmap::IndexMap;

use super::feeding::Feeding;
use crate::commands::summary::Described;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::feed::{self, Event};
use crate::name::PlainName;

/// Which trigger to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The trigger
    name: PlainName,
}

impl Run for DeleteArgs {
    /// A feed that fails, or is gone, keeps nobody from deleting the trigger.
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let what = format!("Unable to delete trigger '{name}'");
        let client = context.client()?;
        let trigger = client.triggers().get(&self.name).map_err(Failure::request(&what))?;
        if let Some(feed) = feed::of_annotations(&Described::of(&trigger)?.annotations) {
            let of_feed = format!("Unable to tell the feed that trigger '{name}' is deleted");
            let feeding = Feeding { client: &client, trigger: &self.name, feed: &feed, what: &of_feed };
            if let Err(failure) = feeding.tell(context.console, Event::Delete, IndexMap::new()) {
                context.console.err().warning(failure.message())?;
            }
        }
        client.triggers().delete(&self.name).map_err(Failure::request(&what))?;
        let out = context.out();
        out.ok(format!("deleted trigger {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}
