//! `wsk trigger update NAME`: changes a trigger and tells its feed what that means for it.

use clap::Args;
use serde::Deserialize;
use whirl_model::Json;

use super::create::with_feed;
use super::feeding::Feeding;
use super::flags::TriggerFlags;
use crate::client::{Client, KeyValue, TriggerBody};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::feed::{self, Event};
use crate::name::{OWN_NAMESPACE, QualifiedName};

/// A changed trigger.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[command(flatten)]
    trigger: TriggerFlags,
}

/// The trigger as it was.
#[derive(Debug, Deserialize)]
struct Old {
    namespace: String,
    #[serde(default)]
    annotations: Vec<KeyValue>,
}

/// What feeds are to be told, in order.
type Events = Vec<(Event, QualifiedName)>;

impl Run for UpdateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let flags = &self.trigger;
        let name = &flags.name;
        let what = format!("Unable to update trigger '{}'", name.entity);
        let client = context.client()?;
        let old = self.old(&client, &what)?;
        let old_feed = old.as_ref().and_then(|old| feed::of_annotations(&old.annotations));
        let destined = flags.destined(flags.feed.is_some() || old_feed.is_some())?;
        let namespace = old.as_ref().map_or(OWN_NAMESPACE, |old| &old.namespace);
        let events = events(namespace, old_feed.as_ref(), flags.feed.as_ref(), !destined.feed.is_empty());
        let body = TriggerBody { parameters: destined.trigger, annotations: self.annotations(old.as_ref())? };
        client.triggers().update(name, &body).map_err(Failure::request(&what))?;
        for (event, feed) in &events {
            let feeding = Feeding { client: &client, trigger: name, feed, what: &what };
            let parameters = if *event == Event::Delete { Default::default() } else { destined.feed.clone() };
            let told = feeding.tell(context.console, *event, parameters);
            if told.is_err() && old.is_none() {
                let deleted = client.triggers().delete(name);
                deleted
                    .map_err(Failure::request(format!("{what}, and the new trigger cannot be deleted")))?;
            }
            told?;
        }
        let out = context.out();
        out.ok(format!("updated trigger {}", out.bold(&name.entity)))?;
        Ok(exit::OK)
    }
}

impl UpdateArgs {
    fn old(&self, client: &Client, what: &str) -> Result<Option<Old>, Failure> {
        let decode = |trigger: Json| {
            serde_json::from_str(trigger.as_str())
                .map_err(|error| Failure::Local(format!("The server's answer is no trigger: {error}")))
        };
        match client.triggers().get(&self.trigger.name) {
            Ok(trigger) => decode(trigger).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(Failure::request(what)(error)),
        }
    }

    /// Annotations are replaced as a whole, so the one that names the feed has to come along, and with a new
    /// feed all others.
    fn annotations(&self, old: Option<&Old>) -> Result<Option<Vec<KeyValue>>, Failure> {
        let given = self.trigger.annotations.pairs()?;
        let old = old.map(|old| old.annotations.as_slice()).unwrap_or_default();
        let old_feed = old.iter().find(|pair| pair.key == feed::ANNOTATION).cloned();
        Ok(match (&self.trigger.feed, given) {
            (None, None) => None,
            (None, given) => with_feed(given, old_feed),
            (Some(feed), None) => with_feed(Some(old.to_vec()), Some(feed::annotation(feed))),
            (Some(feed), given) => with_feed(given, Some(feed::annotation(feed))),
        })
    }
}

/// A feed that stays hears of new parameters; one that goes, that it goes; one that comes, that it comes.
fn events(
    namespace: &str,
    old: Option<&QualifiedName>,
    new: Option<&QualifiedName>,
    parameters: bool,
) -> Events {
    let whole = |name: &QualifiedName| match name.namespace.as_str() {
        OWN_NAMESPACE => QualifiedName { namespace: namespace.to_owned(), ..name.clone() },
        _ => name.clone(),
    };
    match (old, new) {
        (Some(old), Some(new)) if whole(old) != whole(new) => {
            vec![(Event::Delete, old.clone()), (Event::Create, new.clone())]
        }
        (None, Some(new)) => vec![(Event::Create, new.clone())],
        (Some(feed), _) if parameters => vec![(Event::Update, feed.clone())],
        (Some(_) | None, _) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_hear_what_concerns_them() {
        let name = |text: &str| text.parse::<QualifiedName>().unwrap();
        let told = |old: Option<&str>, new: Option<&str>, parameters| {
            let (old, new) = (old.map(name), new.map(name));
            let events = events("ns", old.as_ref(), new.as_ref(), parameters);
            events.into_iter().map(|(event, feed)| format!("{event:?} {feed}")).collect::<Vec<_>>()
        };
        assert_eq!(told(Some("/_/f"), Some("/ns/g"), false), ["Delete /_/f", "Create /ns/g"]);
        assert_eq!(told(Some("/_/f"), Some("/ns/f"), true), ["Update /_/f"]);
        assert_eq!(told(None, Some("f"), false), ["Create /_/f"]);
        assert!(told(Some("/_/f"), None, false).is_empty() && told(None, None, true).is_empty());
    }
}
