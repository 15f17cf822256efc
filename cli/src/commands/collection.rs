//! Lists of what lies in no package: `wsk package list`, `wsk trigger list`, `wsk rule list`, all `[/NAMESPACE]`.

use std::marker::PhantomData;

use clap::Args;

use super::page::PageFlags;
use super::{Context, Run};
use crate::client::{Client, Error, PackageBody, Page, PlainEntity, RuleBody, TriggerBody};
use crate::exit::{self, Failure};
use crate::name::{NamespaceName, OWN_NAMESPACE, Place};
use crate::output::listing::{self, Order, Row};

/// How the entities of one kind are listed.
pub trait Listed: PlainEntity {
    /// A page of them, a row each.
    ///
    /// # Errors
    /// See [`Error`].
    fn rows(client: &Client, namespace: &str, page: Page) -> Result<Vec<Row>, Error>;
}

impl Listed for PackageBody {
    fn rows(client: &Client, namespace: &str, page: Page) -> Result<Vec<Row>, Error> {
        Ok(client.packages().list(namespace, page)?.iter().map(Row::package).collect())
    }
}

impl Listed for TriggerBody {
    fn rows(client: &Client, namespace: &str, page: Page) -> Result<Vec<Row>, Error> {
        Ok(client.triggers().list(namespace, page)?.iter().map(Row::trigger).collect())
    }
}

impl Listed for RuleBody {
    fn rows(client: &Client, namespace: &str, page: Page) -> Result<Vec<Row>, Error> {
        let rules = client.rules().list_with_status(namespace, page)?;
        Ok(rules.iter().map(|(rule, status)| Row::rule(rule, status)).collect())
    }
}

/// Which of them to list.
#[derive(Debug, Args)]
pub struct CollectionArgs<B: Listed + Send + Sync> {
    /// The namespace; the key's own if none is given
    namespace: Option<NamespaceName>,
    #[command(flatten)]
    page: PageFlags,
    /// Sort by name instead of age
    #[arg(short, long)]
    name_sort: bool,
    #[arg(skip)]
    body: PhantomData<B>,
}

impl<B: Listed + Send + Sync> Run for CollectionArgs<B> {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let namespace = self.namespace.map_or_else(|| OWN_NAMESPACE.to_owned(), |namespace| namespace.0);
        let listed = B::rows(&context.client()?, &namespace, self.page.page());
        let place = Place { namespace, package: None };
        let rows = listed.map_err(Failure::request(format!(
            "Unable to obtain the list of {} for namespace '{}'",
            B::COLLECTION,
            place.readable_namespace()
        )))?;
        listing::print(context.out(), B::COLLECTION, rows, Order::of_flag(self.name_sort))?;
        Ok(exit::OK)
    }
}
