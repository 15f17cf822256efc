//! `wsk activation list [NAME]`.

use clap::Args;
use jiff::tz::TimeZone;

use crate::client::ActivationQuery;
use crate::commands::page::PageFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::ActivationFilter;
use crate::output::activation_row;

const UNABLE: &str = "Unable to obtain the list of activations";

/// Which activations to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only those of this action, trigger or rule; or a namespace (/NAMESPACE)
    name: Option<ActivationFilter>,
    #[command(flatten)]
    page: PageFlags,
    /// Show whole records
    #[arg(short, long)]
    full: bool,
    /// Only those started at or after this time, in milliseconds since 1970
    #[arg(long, value_name = "MS")]
    since: Option<i64>,
    /// Only those started at or before this time, in milliseconds since 1970
    #[arg(long, value_name = "MS")]
    upto: Option<i64>,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let ActivationFilter { namespace, entity: name } = self.name.unwrap_or_default();
        let query = ActivationQuery { page: self.page.page(), name, since: self.since, upto: self.upto };
        let client = context.client()?;
        let out = context.out();
        if self.full {
            let records = client.activations().list_records(&namespace, &query);
            let records = records.map_err(Failure::request(UNABLE))?;
            out.line(out.bold("activations"))?;
            records.iter().try_for_each(|record| out.json(record))?;
        } else {
            let activations = client.activations().list(&namespace, &query);
            activation_row::print(out, &activations.map_err(Failure::request(UNABLE))?, &TimeZone::system())?;
        }
        Ok(exit::OK)
    }
}
