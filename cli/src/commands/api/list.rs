//! `wsk api list [BASE_PATH|NAME] [PATH [VERB]]`.

use clap::Args;

use super::target::OperationWords;
use crate::client::ApiRow;
use crate::commands::page::PageFlags;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::output::Printer;

/// The widest that the columns of actions and of titles get.
const WIDEST: [usize; 2] = [40, 20];
const HEADINGS: [&str; 4] = ["Action", "Verb", "API Name", "URL"];

/// Which operations to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Base path or title of an API
    api: Option<String>,
    #[command(flatten)]
    words: OperationWords,
    #[command(flatten)]
    page: PageFlags,
    /// Sort by action instead of by age of the API
    #[arg(short, long)]
    name_sort: bool,
    /// Show each operation over several lines
    #[arg(short, long)]
    full: bool,
}

impl Run for ListArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let token = context.settings.gateway_token.clone();
        let query = self.words.query(self.api.as_deref());
        let listed = client.apis().list(token.as_deref(), &query, Some(self.page.page()));
        let apis = listed.map_err(Failure::request("Unable to obtain the API list"))?;
        let rows = apis.iter().flat_map(|(api, _)| api.rows());
        let mut rows: Vec<ApiRow> = rows.filter(|row| self.words.include(&row.path, &row.verb)).collect();
        if self.name_sort {
            rows.sort_by(|a, b| (&a.action, &a.url, &a.verb).cmp(&(&b.action, &b.url, &b.verb)));
        }
        let out = context.out();
        out.ok("APIs")?;
        if self.full {
            rows.iter().try_for_each(|row| full(out, row))?;
        } else {
            table(out, &rows)?;
        }
        Ok(exit::OK)
    }
}

fn table(out: &mut Printer, rows: &[ApiRow]) -> Result<(), Failure> {
    let width = |of: fn(&ApiRow) -> &str, heading: &str, widest: usize| {
        let longest = rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default();
        longest.clamp(heading.len(), widest)
    };
    let action = width(|row| &row.action, HEADINGS[0], WIDEST[0]);
    let title = width(|row| &row.name, HEADINGS[2], WIDEST[1]);
    let line = |cells: [&str; 4]| {
        let [first, verb, name, url] = cells;
        format!("{first:<action$} {verb:>7}  {name:>title$}  {url}")
    };
    out.line(line(HEADINGS))?;
    for row in rows {
        out.line(line([&row.action, &row.verb, &row.name, &row.url]))?;
    }
    Ok(())
}

fn full(out: &mut Printer, row: &ApiRow) -> Result<(), Failure> {
    out.line(format_args!("Action: {}", row.action))?;
    for (heading, value) in [
        ("API Name", &row.name),
        ("Base path", &row.base_path),
        ("Path", &row.path),
        ("Verb", &row.verb),
        ("URL", &row.url),
    ] {
        out.line(format_args!("  {heading}: {value}"))?;
    }
    Ok(())
}
