//! `wsk package list [/NAMESPACE]`.

use clap::Args;

use crate::commands::page::NamespaceListFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::output::listing::{self, Row};

/// Which packages to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    list: NamespaceListFlags,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let listed = context.client()?.packages().list(self.list.namespace(), self.list.page());
        let packages = listed.map_err(Failure::request(self.list.unable_to_list("packages")))?;
        let rows = packages.iter().map(Row::package).collect();
        listing::print(context.out(), "packages", rows, self.list.order())?;
        Ok(exit::OK)
    }
}
