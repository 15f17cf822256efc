//! `wsk action list [/NAMESPACE | PACKAGE]`.

use clap::Args;

use crate::commands::page::PageFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::Place;
use crate::output::listing::{self, Order, Row};

/// Which actions to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// A namespace (/NAMESPACE) or a package
    place: Option<Place>,
    #[command(flatten)]
    page: PageFlags,
    /// Sort by name instead of age
    #[arg(short, long)]
    name_sort: bool,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let place = self.place.unwrap_or_default();
        let actions =
            context.client()?.actions().list(&place, self.page.page()).map_err(Failure::request(format!(
                "Unable to obtain the list of actions for namespace '{}'",
                place.readable_namespace()
            )))?;
        let rows = actions.iter().map(Row::action).collect();
        listing::print(context.out(), "actions", rows, Order::of_flag(self.name_sort))?;
        Ok(exit::OK)
    }
}
