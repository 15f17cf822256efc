//! Calls on rules.

use whirl_model::Json;

use super::{Call, Client, EntitySummary, Error, Method, Page};

/// Calls on rules; see [`Client::rules`].
pub struct Rules<'c> {
    pub(super) client: &'c Client,
}

impl Rules<'_> {
    /// The rules of a namespace, newest first. Lists do not tell the status: see [`Self::get`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, "rules"]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }

    /// A rule with its `status`, `trigger` and `action`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, namespace: &str, name: &str) -> Result<Json, Error> {
        self.client.fetch(&Call::new(Method::GET, &["namespaces", namespace, "rules", name]))
    }
}
