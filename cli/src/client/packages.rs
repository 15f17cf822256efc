//! Calls on packages.

use super::{Call, Client, EntitySummary, Error, Method, Page};

/// Calls on packages; see [`Client::packages`].
pub struct Packages<'c> {
    pub(super) client: &'c Client,
}

impl Packages<'_> {
    /// The packages of a namespace, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, "packages"]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }
}
