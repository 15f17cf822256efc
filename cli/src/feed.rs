//! Feeds: actions that keep a trigger fired. The server knows nothing of them; whoever creates or deletes a
//! trigger tells its feed. This module says what a feed is told and what its answer means.

use indexmap::IndexMap;
use whirl_model::Json;

use crate::client::{self, Client, Finished, Invoked, KeyValue, Wait, value_of};
use crate::exit::{self, Failure};
use crate::name::{PlainName, QualifiedName};

/// The annotation of a trigger that names its feed.
pub(crate) const ANNOTATION: &str = "feed";

/// What happens to the trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It was created: fire it from now on.
    Create,
    /// Someone looks at it: tell how it is set up.
    Read,
    /// Its parameters changed.
    Update,
    /// It goes: leave it alone.
    Delete,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Read => "READ",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// One thing to tell a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FeedCall {
    /// The feed action.
    pub(crate) feed: QualifiedName,
    /// The trigger.
    pub(crate) trigger: PlainName,
    /// What happens.
    pub(crate) event: Event,
    /// The user's parameters for the feed.
    pub(crate) parameters: IndexMap<String, Json>,
}

impl FeedCall {
    /// Tells the feed and waits for its answer.
    pub(crate) fn send(&self, client: &Client) -> Result<Invoked, client::Error> {
        let credential = client.auth().map_or("", |auth| auth.expose());
        let arguments = Json::of(&self.arguments(credential));
        client.actions().invoke(&self.feed, Wait::Record, Some(&arguments))
    }

    fn arguments(&self, credential: &str) -> IndexMap<String, Json> {
        let mut arguments = self.parameters.clone();
        arguments.insert("lifecycleEvent".to_owned(), Json::of(self.event.as_str()));
        arguments.insert("triggerName".to_owned(), Json::of(&self.trigger.to_string()));
        arguments.insert("authKey".to_owned(), Json::of(credential));
        arguments
    }

    /// The record of a feed that did as it was told; everything else is a failure to do `what`.
    pub(crate) fn judge(&self, what: &str, invoked: Invoked) -> Result<Finished, (Failure, Option<Json>)> {
        let failure =
            |why, code| Failure::Feed { what: what.to_owned(), feed: self.feed.to_string(), why, code };
        match invoked {
            Invoked::Finished(finished) if finished.success => Ok(finished),
            Invoked::Finished(finished) => {
                Err((failure("failed", exit::of_status(exit::FAILED_ACTION)), Some(finished.body)))
            }
            Invoked::Accepted { .. } | Invoked::Unfinished { .. } => {
                Err((failure("did not answer in time", exit::TIMED_OUT), None))
            }
        }
    }
}

/// The feed of a trigger as the server has it.
pub(crate) fn of_trigger(trigger: &Json) -> Option<QualifiedName> {
    let annotations: Vec<KeyValue> = serde_json::from_str(trigger.member("annotations")?.as_str()).ok()?;
    of_annotations(&annotations)
}

/// The feed that a trigger's annotations name.
pub(crate) fn of_annotations(annotations: &[KeyValue]) -> Option<QualifiedName> {
    value_of(annotations, ANNOTATION)?.to_text()?.parse().ok()
}

/// The annotation for a feed.
pub(crate) fn annotation(feed: &QualifiedName) -> KeyValue {
    KeyValue::new(ANNOTATION, Json::of(&feed.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(event: Event) -> FeedCall {
        let parameters = [("cron".to_owned(), Json::of("* *")), ("authKey".to_owned(), Json::of("forged"))];
        FeedCall {
            feed: "/whisk.system/alarms/alarm".parse().unwrap(),
            trigger: PlainName::own("tick"),
            event,
            parameters: parameters.into_iter().collect(),
        }
    }

    #[test]
    fn a_feed_is_told_event_trigger_and_credential() {
        let told = serde_json::to_string(&call(Event::Create).arguments("uuid:key")).unwrap();
        let expected =
            r#"{"cron":"* *","authKey":"uuid:key","lifecycleEvent":"CREATE","triggerName":"/_/tick"}"#;
        assert_eq!(told, expected);
    }

    #[test]
    fn only_a_success_in_time_is_one() {
        let finished = |success| {
            Invoked::Finished(Finished { id: None, status: 200, success, body: Json::empty_object() })
        };
        let judged =
            |invoked| call(Event::Create).judge("Unable to x", invoked).map_err(|(f, _)| f.exit_code());
        assert!(judged(finished(true)).is_ok());
        assert_eq!(judged(finished(false)).unwrap_err(), 246);
        assert_eq!(judged(Invoked::Unfinished { id: "a".into() }).unwrap_err(), 202);
    }

    #[test]
    fn the_annotation_names_the_feed() {
        let feed: QualifiedName = "p/f".parse().unwrap();
        assert_eq!(annotation(&feed).value.as_str(), r#""/_/p/f""#);
        assert_eq!(of_annotations(&[annotation(&feed)]), Some(feed));
        assert_eq!(of_annotations(&[]), None);
    }
}
