//! `wsk activation logs ID`.

use clap::Args;

use super::strip::strip;
use super::target::LastFlag;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::OWN_NAMESPACE;

/// Whose logs to show, and how.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The activation
    id: Option<String>,
    #[command(flatten)]
    last: LastFlag,
    /// Without time stamps and stream names
    #[arg(short = 'r', long)]
    strip: bool,
}

impl Run for LogsArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let id = self.last.id(&client, self.id)?;
        let logs = client.activations().logs(OWN_NAMESPACE, &id);
        let logs = logs.map_err(Failure::request(format!("Unable to get logs for activation '{id}'")))?;
        for line in &logs {
            context.out().line(if self.strip { strip(line) } else { line })?;
        }
        Ok(exit::OK)
    }
}
