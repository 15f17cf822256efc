//! `wsk activation logs ID`.

use clap::Args;

use super::follow::follow;
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
    /// Show lines as they come, until the activation ends
    #[arg(short, long)]
    follow: bool,
}

impl Run for LogsArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let id = self.last.id(&client, self.id)?;
        let unable = format!("Unable to get logs for activation '{id}'");
        if self.follow {
            let is_stripped = self.strip;
            let show = |line: &str| context.out().line(if is_stripped { strip(line) } else { line });
            follow(&client, &id, show).map_err(|failure| failure.of(&unable))?;
            return Ok(exit::OK);
        }
        let logs = client.activations().logs(OWN_NAMESPACE, &id);
        let logs = logs.map_err(Failure::request(unable))?;
        for line in &logs {
            context.out().line(if self.strip { strip(line) } else { line })?;
        }
        Ok(exit::OK)
    }
}
