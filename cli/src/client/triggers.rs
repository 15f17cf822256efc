//! Calls on triggers.

use super::{Call, Client, EntitySummary, Error, Method, Page};

/// Calls on triggers; see [`Client::triggers`].
pub struct Triggers<'c> {
    pub(super) client: &'c Client,
}

impl Triggers<'_> {
    /// The triggers of a namespace, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, "triggers"]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }
}
