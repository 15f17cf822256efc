//! Calls on namespaces: only which ones the credential opens.

use super::{Call, Client, Error, Method};

/// Calls on namespaces; see [`Client::namespaces`].
pub struct Namespaces<'c> {
    pub(super) client: &'c Client,
}

impl Namespaces<'_> {
    /// The namespaces of the credential; the first one is what `_` stands for.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self) -> Result<Vec<String>, Error> {
        self.client.fetch(&Call::new(Method::GET, &["namespaces"]))
    }
}
