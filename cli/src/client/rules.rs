//! Rules as clients write them, and the calls on their status.

use serde::{Deserialize, Serialize};

use super::plain_entities::{PlainEntities, PlainEntity};
use super::{EntitySummary, Error, KeyValue, Method, Page};
use crate::name::PlainName;

/// The body of a create or an update. Members that are `None` are left out and keep their old value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleBody {
    /// The trigger, `/NS/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The action, `/NS/NAME` or `/NS/PACKAGE/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Annotations; on update they replace the old ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<KeyValue>>,
}

/// Whether a rule does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleState {
    /// Its trigger starts its action.
    Active,
    /// It is asleep.
    Inactive,
}

impl PlainEntity for RuleBody {
    const COLLECTION: &'static str = "rules";
}

/// Calls on rules; see [`Client::rules`](super::Client::rules).
pub type Rules<'c> = PlainEntities<'c, RuleBody>;

impl Rules<'_> {
    /// Wakes a rule or lets it sleep.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_state(&self, name: &PlainName, status: RuleState) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body {
            status: RuleState,
        }
        self.client.send(&self.call(Method::POST, name).json(&Body { status })).map(drop)
    }

    /// The rules of a namespace with their status, which [`PlainEntities::list`] does not tell: each rule is asked.
    /// One deleted meanwhile is left out.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list_with_status(
        &self,
        namespace: &str,
        page: Page,
    ) -> Result<Vec<(EntitySummary, String)>, Error> {
        let mut rules = Vec::new();
        for rule in self.list(namespace, page)? {
            let name = PlainName { namespace: namespace.to_owned(), entity: rule.name.clone() };
            match self.get(&name) {
                Ok(whole) => {
                    let status = whole.member("status").and_then(|status| status.to_text());
                    rules.push((rule, status.unwrap_or_default()));
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rules)
    }
}
