//! `wsk trigger create NAME`.

use clap::Args;

use super::feeding::Feeding;
use super::flags::TriggerFlags;
use crate::client::{KeyValue, TriggerBody};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::feed::{self, Event};

/// A new trigger.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    trigger: TriggerFlags,
}

impl Run for CreateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let TriggerFlags { name, feed, .. } = &self.trigger;
        let what = format!("Unable to create trigger '{}'", name.entity);
        let destined = self.trigger.destined(feed.is_some())?;
        let annotations = self.trigger.annotations.pairs()?;
        let body = TriggerBody {
            parameters: destined.trigger,
            annotations: with_feed(annotations, feed.as_ref().map(feed::annotation)),
        };
        let client = context.client()?;
        client.triggers().create(name, &body).map_err(Failure::request(&what))?;
        if let Some(feed) = feed {
            let feeding = Feeding { client: &client, trigger: name, feed, what: &what };
            if let Err(failure) = feeding.tell(context.console, Event::Create, destined.feed) {
                let deleted = client.triggers().delete(name);
                deleted.map_err(Failure::request(format!(
                    "{}, and its trigger cannot be deleted",
                    failure.message()
                )))?;
                return Err(failure);
            }
        }
        let out = context.out();
        out.ok(format!("created trigger {}", out.bold(&name.entity)))?;
        Ok(exit::OK)
    }
}

/// The annotations with the one that names the feed in its place.
pub(super) fn with_feed(annotations: Option<Vec<KeyValue>>, feed: Option<KeyValue>) -> Option<Vec<KeyValue>> {
    let Some(feed) = feed else { return annotations };
    let others = annotations.into_iter().flatten().filter(|pair| pair.key != feed::ANNOTATION);
    Some(others.chain([feed.clone()]).collect())
}
