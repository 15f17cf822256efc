//! `wsk trigger list [/NAMESPACE]`.

use clap::Args;

use crate::commands::page::NamespaceListFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::output::listing::{self, Row};

/// Which triggers to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    list: NamespaceListFlags,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let listed = context.client()?.triggers().list(self.list.namespace(), self.list.page());
        let triggers = listed.map_err(Failure::request(self.list.unable_to_list("triggers")))?;
        let rows = triggers.iter().map(Row::trigger).collect();
        listing::print(context.out(), "triggers", rows, self.list.order())?;
        Ok(exit::OK)
    }
}
