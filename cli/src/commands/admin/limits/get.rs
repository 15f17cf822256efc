//! `wsk admin limits get NAMESPACE`.

use clap::Args;

use crate::commands::admin::access::Access;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};

/// Whose limits to show.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The namespace
    namespace: String,
    #[command(flatten)]
    access: Access,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let what = format!("Unable to get the limits of namespace '{}'", self.namespace);
        let limits = self.access.client(context)?.limits(&self.namespace).map_err(Failure::request(what))?;
        let out = context.out();
        match limits.filter(|limits| !limits.is_empty()) {
            None => out.line("No limits found, default system limits apply")?,
            Some(limits) => {
                for (key, value) in limits {
                    let value = value.to_text().unwrap_or_else(|| value.as_str().to_owned());
                    out.line(format_args!("{key} = {value}"))?;
                }
            }
        }
        Ok(exit::OK)
    }
}
