//! `wsk api delete BASE_PATH|NAME [PATH [VERB]]`.

use clap::Args;

use super::target::OperationWords;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// What to delete.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Base path or title of the API
    api: String,
    #[command(flatten)]
    words: OperationWords,
}

impl Run for DeleteArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let token = context.settings.gateway_token.clone();
        let deleted = client.apis().delete(token.as_deref(), &self.words.query(Some(&self.api)));
        deleted.map_err(Failure::request(format!("Unable to delete API '{}'", self.api)))?;
        let out = context.out();
        let api = out.bold(&self.api);
        let text = match self.words.text() {
            None => format!("deleted API {api}"),
            Some(operation) => format!("deleted {operation} from {api}"),
        };
        out.ok(text)?;
        Ok(exit::OK)
    }
}
