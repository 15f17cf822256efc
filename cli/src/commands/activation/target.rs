//! Which activation is meant: the one named, or with `--last` the newest.

use clap::Args;

use crate::client::{ActivationQuery, Client, Page};
use crate::exit::Failure;
use crate::name::OWN_NAMESPACE;

/// `--last`.
#[derive(Debug, Args)]
pub(super) struct LastFlag {
    /// The newest activation
    #[arg(short, long)]
    last: bool,
}

impl LastFlag {
    /// The activation's id and the word after it. With `--last` the first word is not an id any more.
    pub(super) fn target(
        &self,
        client: &Client,
        first: Option<String>,
        second: Option<String>,
    ) -> Result<(String, Option<String>), Failure> {
        match (self.last, first, second) {
            (true, _, Some(extra)) => {
                Err(Failure::usage(format!("Unexpected argument '{extra}' with --last")))
            }
            (true, word, None) => Ok((newest(client)?, word)),
            (false, Some(id), word) => Ok((id, word)),
            (false, None, _) => Err(Failure::usage("Invalid argument(s). An activation ID is required.")),
        }
    }

    /// The same for commands without a second word.
    pub(super) fn id(&self, client: &Client, word: Option<String>) -> Result<String, Failure> {
        match self.target(client, word, None)? {
            (id, None) => Ok(id),
            (_, Some(extra)) => Err(Failure::usage(format!("Unexpected argument '{extra}' with --last"))),
        }
    }
}

fn newest(client: &Client) -> Result<String, Failure> {
    let query = ActivationQuery::page(Page { limit: 1, skip: 0 });
    let listed = client.activations().list(OWN_NAMESPACE, &query);
    let activations = listed.map_err(Failure::request("Unable to obtain the list of activations"))?;
    let newest = activations.into_iter().next();
    newest
        .map(|activation| activation.activation_id)
        .ok_or_else(|| Failure::Local("There are no activations yet".to_owned()))
}
