//! Tells feeds what happens to their triggers, and shows the user what they answer.

use indexmap::IndexMap;
use whirl_model::Json;

use crate::client::{Client, Finished};
use crate::commands::action::invoke::told;
use crate::exit::Failure;
use crate::feed::{Event, FeedCall};
use crate::name::{PlainName, QualifiedName};
use crate::output::{Console, Printer};

/// A feed and one of its triggers.
pub(super) struct Feeding<'a> {
    pub(super) client: &'a Client,
    pub(super) trigger: &'a PlainName,
    pub(super) feed: &'a QualifiedName,
    /// What the user wants, as in `Unable to create trigger 't'`.
    pub(super) what: &'a str,
}

impl Feeding<'_> {
    /// Tells the feed of an event and shows its answer. The answer of one that failed goes to standard error.
    pub(super) fn tell(
        &self,
        console: &mut Console,
        event: Event,
        parameters: IndexMap<String, Json>,
    ) -> Result<(), Failure> {
        let call = FeedCall { feed: self.feed.clone(), trigger: self.trigger.clone(), event, parameters };
        let invoked = call.send(self.client).map_err(Failure::request(self.what))?;
        match call.judge(self.what, invoked) {
            Ok(finished) => self.show(console.out(), &finished),
            Err((failure, answer)) => {
                answer.iter().try_for_each(|answer| console.err().json(answer))?;
                Err(failure)
            }
        }
    }

    fn show(&self, out: &mut Printer, finished: &Finished) -> Result<(), Failure> {
        told(out, self.feed, finished.id.as_deref().unwrap_or_default())?;
        out.json(&finished.body)?;
        Ok(())
    }
}
