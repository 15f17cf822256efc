//! The flags of every list: how many entries, from where on, in which order.

use clap::Args;

use crate::client::Page;
use crate::name::{NamespaceName, OWN_NAMESPACE, Place};
use crate::output::listing::Order;

/// `--limit` and `--skip`. The server judges the numbers.
#[derive(Debug, Args)]
pub(super) struct PageFlags {
    /// Show at most that many, up to 200; 0 means 200
    #[arg(short, long, value_name = "LIMIT", default_value_t = 30)]
    limit: i64,
    /// Pass over that many
    #[arg(short, long, value_name = "SKIP", default_value_t = 0)]
    skip: i64,
}

impl PageFlags {
    pub(super) fn page(&self) -> Page {
        Page { limit: self.limit, skip: self.skip }
    }
}

/// The flags of lists of packages, triggers and rules.
#[derive(Debug, Args)]
pub(super) struct NamespaceListFlags {
    /// The namespace; the key's own if none is given
    namespace: Option<NamespaceName>,
    #[command(flatten)]
    page: PageFlags,
    /// Sort by name instead of age
    #[arg(short, long)]
    name_sort: bool,
}

impl NamespaceListFlags {
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_ref().map_or(OWN_NAMESPACE, |namespace| &namespace.0)
    }

    pub(super) fn page(&self) -> Page {
        self.page.page()
    }

    pub(super) fn order(&self) -> Order {
        Order::of_flag(self.name_sort)
    }

    /// `Unable to obtain the list of packages for namespace 'default'`
    pub(super) fn unable_to_list(&self, collection: &str) -> String {
        let place = Place { namespace: self.namespace().to_owned(), package: None };
        let namespace = place.readable_namespace();
        format!("Unable to obtain the list of {collection} for namespace '{namespace}'")
    }
}
