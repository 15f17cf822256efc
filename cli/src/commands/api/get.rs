//! `wsk api get BASE_PATH|NAME`: prints the document alone, so that `--config-file` can take it back.

use clap::{Args, ValueEnum};

use crate::client::ApiQuery;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::output::yaml;

/// Which API to show, and how.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// Base path or title of the API
    api: String,
    /// Show everything that the gateway knows of the API, not the document alone
    #[arg(short, long)]
    full: bool,
    /// How to write it
    #[arg(long, value_enum, ignore_case = true, default_value = "json", value_name = "json|yaml")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let token = context.settings.gateway_token.clone();
        let query = ApiQuery { api: Some(self.api.clone()), ..ApiQuery::default() };
        let listed = client.apis().list(token.as_deref(), &query, None);
        let found = listed.map_err(Failure::request(format!("Unable to get API '{}'", self.api)))?;
        let found = found.into_iter().next();
        let (api, whole) = found.ok_or_else(|| Failure::Local(format!("There is no API '{}'", self.api)))?;
        let shown = if self.full { whole } else { api.apidoc };
        match self.format {
            Format::Json => context.out().json(&shown)?,
            Format::Yaml => context.out().line(yaml::document(&shown).trim_end())?,
        }
        Ok(exit::OK)
    }
}
