//! Carries out the operations of a plan, one after the other, and tells of each.

use std::thread::sleep;
use std::time::Duration;

use indexmap::IndexMap;
use whirl_model::Json;

use super::code::Loaded;
use super::operation::{Operation, PlannedAction, PlannedTrigger};
use crate::client::{ActionBody, Client, Error};
use crate::exit::Failure;
use crate::feed::{self, Event, FeedCall};
use crate::gateway::{self, Backend};
use crate::name::{OWN_NAMESPACE, QualifiedName};
use crate::output::Console;

/// How often a write that met another one is tried, and how long between.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);
/// How the server begins to say that two writes met.
const CONFLICT: &str = "Concurrent modification";

/// Who deploys, and where it is told.
pub(crate) struct Deployer<'a> {
    /// The server.
    pub(crate) client: &'a Client,
    /// The access token of the API gateway.
    pub(crate) gateway_token: Option<&'a str>,
    /// Where to tell.
    pub(crate) console: &'a mut Console,
}

impl Deployer<'_> {
    /// Does it all; stops at the first that fails.
    pub(crate) fn deploy(&mut self, operations: &[Operation], code: &Loaded) -> Result<(), Failure> {
        for operation in operations {
            let what = format!("Unable to deploy {operation}");
            self.put(&what, operation, code)?;
            self.console.out().ok(format!("deployed {operation}"))?;
        }
        Ok(())
    }

    fn put(&mut self, what: &str, operation: &Operation, code: &Loaded) -> Result<(), Failure> {
        let client = self.client;
        let failed = || Failure::request(what);
        match operation {
            Operation::Package(name, body) => {
                retried(|| client.packages().update(name, body)).map_err(failed()).map(drop)
            }
            Operation::Action(action) => {
                let body = with_code(action, code);
                retried(|| client.actions().update(&action.name, &body)).map_err(failed()).map(drop)
            }
            Operation::Trigger(trigger) => self.trigger(what, trigger),
            Operation::Rule(name, body) => {
                retried(|| client.rules().update(name, body)).map_err(failed()).map(drop)
            }
            Operation::Api(operation) => self.api(what, operation),
        }
    }

    /// A feed cannot be told of changes it may not know how to make, so it is told to end and to begin.
    fn trigger(&mut self, what: &str, trigger: &PlannedTrigger) -> Result<(), Failure> {
        let (client, name) = (self.client, &trigger.name);
        let old = match client.triggers().get(name) {
            Ok(old) => feed::of_trigger(&old),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(Failure::request(what)(error)),
        };
        let call = |feed: &QualifiedName, event, parameters| FeedCall {
            feed: feed.clone(),
            trigger: name.clone(),
            event,
            parameters,
        };
        let mut body = trigger.body.clone();
        if let Some(old) = old {
            body.annotations.get_or_insert_default(); // not the one that names the old feed
            let call = call(&old, Event::Delete, IndexMap::new());
            if let Err(failure) = tell(client, what, &call) {
                self.console.err().warning(failure.message())?;
            }
        }
        retried(|| client.triggers().update(name, &body)).map_err(Failure::request(what))?;
        let Some((feed, parameters)) = &trigger.feed else { return Ok(()) };
        tell(client, what, &call(feed, Event::Create, parameters.clone())).inspect_err(|_| {
            // The feed's failure is what the user is to hear of.
            let _ = client.triggers().delete(name);
        })
    }

    fn api(&mut self, what: &str, operation: &gateway::Operation) -> Result<(), Failure> {
        let client = self.client;
        let got = client.actions().get_without_code(&operation.action).map_err(Failure::request(what))?;
        let action = operation.action.local();
        let backend = Backend::of(&got)?
            .ok_or_else(|| Failure::Local(format!("{what}: action '{action}' is not a web action")))?;
        let owner = match operation.action.namespace.as_str() {
            OWN_NAMESPACE => backend.namespace.clone(),
            namespace => namespace.to_owned(),
        };
        let document = operation.document(client, &backend, &owner);
        let created = client.apis().create(self.gateway_token, &document, &operation.responses);
        let api = created.map_err(Failure::request(what))?;
        self.console.out().line(format_args!("{}{}", api.gw_api_url, operation.path))?;
        Ok(())
    }
}

fn with_code(action: &PlannedAction, code: &Loaded) -> ActionBody {
    let exec = code.get(&action.name).map(Json::of);
    ActionBody { exec, ..action.body.clone() }
}

/// Tells a feed; an answer that is no success is a failure.
pub(super) fn tell(client: &Client, what: &str, call: &FeedCall) -> Result<(), Failure> {
    let invoked = call.send(client).map_err(Failure::request(what))?;
    call.judge(what, invoked).map(drop).map_err(|(failure, _)| failure)
}

/// Tries again when another write came in between.
fn retried<T>(mut write: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut attempt = 1;
    loop {
        match write() {
            Err(Error::Refused { status: 409, text, .. })
                if text.starts_with(CONFLICT) && attempt < ATTEMPTS =>
            {
                attempt += 1;
                sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(text: &str) -> u32 {
        let mut count = 0;
        let outcome: Result<(), Error> = retried(|| {
            count += 1;
            match count {
                3 => Ok(()),
                _ => Err(Error::Refused { status: 409, text: text.to_owned(), code: "c".into() }),
            }
        });
        assert_eq!(outcome.is_ok(), count == 3);
        count
    }

    #[test]
    fn only_writes_that_met_are_tried_again() {
        assert_eq!(tries("Concurrent modification to resource detected."), 3);
        assert_eq!(tries("resource already exists"), 1);
    }
}
