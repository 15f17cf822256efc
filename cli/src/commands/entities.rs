//! `wsk list` and `wsk namespace get`: everything in a namespace, collection by collection.

use clap::Args;

use super::collection::Listed as _;
use super::{Context, Run};
use crate::client::{Client, Error, PackageBody, Page, RuleBody, TriggerBody};
use crate::exit::{self, Failure};
use crate::name::{NamespaceName, OWN_NAMESPACE, Place};
use crate::output::listing::{self, Order, Row};

/// Which namespace to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The namespace; the key's own if none is given
    namespace: Option<NamespaceName>,
    /// Sort by name instead of age
    #[arg(short, long)]
    name_sort: bool,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let namespace = self.namespace.map_or_else(|| OWN_NAMESPACE.to_owned(), |namespace| namespace.0);
        let place = Place { namespace, package: None };
        let order = Order::of_flag(self.name_sort);
        let collections = collections(&client, &place).map_err(Failure::request(format!(
            "Unable to obtain the entities of namespace '{}'",
            place.readable_namespace()
        )))?;
        let out = context.out();
        out.line(out.bold(&format!("Entities in namespace: {}", place.readable_namespace())))?;
        for (heading, rows) in collections {
            listing::print(out, heading, rows, order)?;
        }
        Ok(exit::OK)
    }
}

fn collections(client: &Client, place: &Place) -> Result<[(&'static str, Vec<Row>); 4], Error> {
    let namespace = &place.namespace;
    Ok([
        ("packages", PackageBody::rows(client, namespace, Page::ALL)?),
        ("actions", client.actions().list(place, Page::ALL)?.iter().map(Row::action).collect()),
        ("triggers", TriggerBody::rows(client, namespace, Page::ALL)?),
        ("rules", RuleBody::rows(client, namespace, Page::ALL)?),
    ])
}
