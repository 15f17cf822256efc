//! `wsk package refresh [/NAMESPACE]`.

use clap::Args;

use crate::client::Error;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::{NamespaceName, OWN_NAMESPACE};

/// Statuses of servers that have no such call.
const UNSUPPORTED: [u16; 2] = [404, 501];

/// Whose packages to look for.
#[derive(Debug, Args)]
pub struct RefreshArgs {
    /// The namespace; the key's own if none is given
    namespace: Option<NamespaceName>,
}

impl Run for RefreshArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let namespace = self.namespace.map_or_else(|| OWN_NAMESPACE.to_owned(), |namespace| namespace.0);
        match context.client()?.packages().refresh(&namespace) {
            Ok(()) => context.out().ok(format!("{namespace} refreshed successfully"))?,
            Err(error) => {
                let unsupported = error.status().is_some_and(|status| UNSUPPORTED.contains(&status));
                return Err(failure(&namespace, unsupported, error));
            }
        }
        Ok(exit::OK)
    }
}

fn failure(namespace: &str, unsupported: bool, error: Error) -> Failure {
    let what = format!("Unable to refresh the packages of namespace '{namespace}'");
    let what = if unsupported { format!("{what}: the server does not support it") } else { what };
    Failure::request(what)(error)
}
