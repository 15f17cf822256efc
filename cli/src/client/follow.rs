//! The logs of an activation as they come: one long answer, a JSON object a line. OpenWhisk has no such thing.

use std::io::{BufRead, BufReader};
use std::time::Instant;

use serde::Deserialize;

use super::activations::call;
use super::{Activations, Client, Error, Method, Response};

/// What is told of an activation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A line, as in the record.
    Line(String),
    /// There is nothing to tell; the server is there.
    Waiting,
    /// The log is complete.
    Ended,
}

/// The answer while it comes. One that ends without [`LogEvent::Ended`] was broken off.
pub struct Followed {
    lines: std::io::Lines<BufReader<ureq::BodyReader<'static>>>,
    url: String,
}

#[derive(Deserialize)]
struct Told {
    line: Option<String>,
    ended: Option<bool>,
}

impl Iterator for Followed {
    type Item = Result<LogEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let failed = |source| Error::Network { url: self.url.clone(), source: Box::new(source) };
        let line = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(failed(ureq::Error::Io(error)))),
        };
        // What is not understood is from a newer server, and no line of a log.
        Some(Ok(match serde_json::from_str(&line) {
            Ok(Told { line: Some(line), .. }) => LogEvent::Line(line),
            Ok(Told { ended: Some(true), .. }) => LogEvent::Ended,
            _ => LogEvent::Waiting,
        }))
    }
}

impl Activations<'_> {
    /// The log lines from the first one on, as they come, until the activation has ended. 404 if the server knows
    /// no such activation, or cannot do this.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn follow(&self, namespace: &str, id: &str) -> Result<Followed, Error> {
        let path = call(namespace, &[id, "logs", "follow"]).path;
        self.client.stream(&format!("{}{path}", self.client.base))
    }
}

impl Client {
    /// Whether the server describes a path that ends so.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn describes(&self, end: &str) -> Result<bool, Error> {
        let description = self.request(Method::GET, "/openapi.json", &[], None)?;
        Ok(description.is_success() && description.text().contains(&format!("{end}\"")))
    }

    /// A GET whose answer is read line by line, however long it takes.
    fn stream(&self, url: &str) -> Result<Followed, Error> {
        let failed = |source: ureq::Error| Error::Network { url: url.to_owned(), source: Box::new(source) };
        let request = self.head(Method::GET, url, None).map_err(|e| failed(e.into()))?;
        let started = Instant::now();
        self.observe_request(&request, None);
        let request = self.agent.configure_request(request).timeout_recv_body(None).build();
        let (parts, content) = self.agent.run(request).map_err(failed)?.into_parts();
        let mut response =
            Response { status: parts.status.as_u16(), headers: parts.headers, body: Vec::new() };
        if response.is_success() {
            self.observe_answer(&response, started);
            return Ok(Followed {
                lines: BufReader::new(content.into_reader()).lines(),
                url: url.to_owned(),
            });
        }
        response.body = content.into_with_config().limit(u64::MAX).read_to_vec().map_err(failed)?;
        self.observe_answer(&response, started);
        Err(response.to_error())
    }
}
