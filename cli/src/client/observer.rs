//! A window on the traffic, for verbose output. What it shows never holds the credential.

use std::time::Duration;

/// Told of every request and answer of a client.
pub trait Observer: Send + Sync {
    /// A request is about to be sent.
    fn sent(&self, request: &Message<'_>);

    /// An answer arrived `took` after its request was sent.
    fn received(&self, answer: &Message<'_>, took: Duration);
}

/// One request or answer, the credential obscured.
#[derive(Debug)]
pub struct Message<'a> {
    /// `METHOD URL` of a request, the status code of an answer.
    pub summary: String,
    /// The headers, in the order of the wire.
    pub headers: Vec<(&'a str, String)>,
    /// The body as text; empty if there is none.
    pub body: String,
}
