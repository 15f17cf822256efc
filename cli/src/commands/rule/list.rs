//! `wsk rule list [/NAMESPACE]`.

use clap::Args;

use crate::commands::page::NamespaceListFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::output::listing::{self, Row};

/// Which rules to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    list: NamespaceListFlags,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let listed = client.rules().list_with_status(self.list.namespace(), self.list.page());
        let rules = listed.map_err(Failure::request(self.list.unable_to_list("rules")))?;
        let rows = rules.iter().map(|(rule, status)| Row::rule(rule, status)).collect();
        listing::print(context.out(), "rules", rows, self.list.order())?;
        Ok(exit::OK)
    }
}
