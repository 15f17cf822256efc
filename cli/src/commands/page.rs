//! The flags of every list: how many entries, from where on.

use clap::Args;

use crate::client::Page;

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
