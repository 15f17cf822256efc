//! Which operations of an API a command means.

use clap::Args;

use crate::client::ApiQuery;

/// The words after an API's base path or title.
#[derive(Debug, Args)]
pub(super) struct OperationWords {
    /// Only this path
    path: Option<String>,
    /// Only this verb
    verb: Option<String>,
}

impl OperationWords {
    /// The query; the server knows titles, too.
    pub(super) fn query(&self, api: Option<&str>) -> ApiQuery {
        ApiQuery {
            api: api.map(str::to_owned),
            path: self.path.clone(),
            verb: self.verb.as_ref().map(|verb| verb.to_lowercase()),
        }
    }

    /// Whether an operation is meant.
    pub(super) fn include(&self, path: &str, verb: &str) -> bool {
        self.path.as_ref().is_none_or(|wanted| wanted == path)
            && self.verb.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(verb))
    }

    /// `PATH VERB` for messages, as far as they are given.
    pub(super) fn text(&self) -> Option<String> {
        let verb = self.verb.as_ref().map_or(String::new(), |verb| format!(" {}", verb.to_uppercase()));
        self.path.as_ref().map(|path| format!("{path}{verb}"))
    }
}
