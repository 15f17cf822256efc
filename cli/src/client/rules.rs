//! Calls on rules.

use serde::{Deserialize, Serialize};
use whirl_model::Json;

use super::{Call, Client, EntitySummary, Error, KeyValue, Method, Page};
use crate::name::PlainName;

/// Calls on rules; see [`Client::rules`].
pub struct Rules<'c> {
    pub(super) client: &'c Client,
}

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

impl Rules<'_> {
    /// Creates a rule; 409 if it exists. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(&self, name: &PlainName, body: &RuleBody) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &false).json(body))
    }

    /// Changes a rule, or creates it. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update(&self, name: &PlainName, body: &RuleBody) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &true).json(body))
    }

    /// Wakes a rule or lets it sleep.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_state(&self, name: &PlainName, status: RuleState) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Body {
            status: RuleState,
        }
        self.client.send(&call(Method::POST, name).json(&Body { status })).map(drop)
    }

    /// A rule with its `status`, `trigger` and `action`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::GET, name))
    }

    /// Deletes a rule, active or not.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::DELETE, name))
    }

    /// The rules of a namespace, newest first. Lists do not tell the status: see [`Self::list_with_status`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, "rules"]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }

    /// The same with each rule's status, for which each rule is asked. One deleted meanwhile is left out.
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

fn call<'a>(method: Method, name: &PlainName) -> Call<'a> {
    Call::new(method, &["namespaces", &name.namespace, "rules", &name.entity])
}
