//! Reading views, newest first and page by page.

use couch_rs::http::Method;
use serde::Deserialize;
use serde_json::Value;
use whirl_model::Json;

use super::database::{Call, Database};
use super::design::View;
use super::failure::Failure;

/// Rows per request; fewer if they bring their documents.
const PAGE: u64 = 500;
const PAGE_WITH_DOCUMENTS: u64 = 50;

/// The keys of a view from the newest to the oldest, both included.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) newest: Value,
    pub(super) oldest: Value,
}

/// Which of a range's rows to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) skip: u64,
    pub(super) limit: u64,
    /// Which documents the rows bring.
    pub(super) documents: Documents,
}

/// The documents that rows bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Documents {
    /// None.
    No,
    /// Those that they are of. Rows of those deleted meanwhile are left out.
    Own,
    /// Those that `_id` in their value names, as far as there are such.
    Linked,
}

/// A row of a view.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    /// The id of the document that it is of.
    #[serde(default)]
    pub(super) id: String,
    pub(super) key: Value,
    pub(super) value: Json,
    /// There if it was asked for.
    #[serde(default)]
    pub(super) doc: Option<Json>,
}

#[derive(Deserialize)]
struct Rows {
    rows: Vec<Row>,
}

impl Database {
    /// Rows of a view, the last first. They show every write that was answered before.
    pub(super) async fn rows(&self, view: View, range: &Range, slice: Slice) -> Result<Vec<Row>, Failure> {
        let (mut newest, mut skip) = (range.newest.clone(), slice.skip);
        // The servers count in 32 bits at least; nobody has as many rows.
        if skip > u64::from(u32::MAX >> 1) {
            return Ok(Vec::new());
        }
        let bare = slice.documents == Documents::No;
        let largest = if bare { PAGE } else { PAGE_WITH_DOCUMENTS };
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let limit = largest.min(slice.limit.saturating_sub(rows.len() as u64));
            if limit == 0 {
                break;
            }
            let mut query = keys(&newest, &range.oldest);
            query.extend([
                ("reduce", "false".to_owned()),
                ("skip", skip.to_string()),
                ("limit", limit.to_string()),
            ]);
            if !bare {
                query.push(("include_docs", "true".to_owned()));
            }
            let page: Vec<Row> = self.view(view, query).await?;
            let is_last = (page.len() as u64) < limit;
            rows.extend(page);
            let (Some(first), Some(last), false) = (rows.first(), rows.last(), is_last) else { break };
            // The next page begins at the key that this one ends with, behind the rows that are known; rows
            // that are written meanwhile at the newer end do not shift it.
            if first.key == last.key {
                skip = slice.skip.saturating_add(rows.len() as u64);
            } else {
                newest = last.key.clone();
                skip = rows.iter().rev().take_while(|row| row.key == newest).count() as u64;
            }
        }
        rows.retain(|row| row.doc.is_some() || slice.documents != Documents::Own);
        Ok(rows)
    }

    /// How many rows there are.
    pub(super) async fn count(&self, view: View, range: &Range) -> Result<u64, Failure> {
        let rows = self.view(view, keys(&range.newest, &range.oldest)).await?;
        let Some(row) = rows.first() else { return Ok(0) };
        serde_json::from_str(row.value.as_str()).map_err(Failure::Nonsense)
    }

    async fn view(&self, view: View, query: Vec<(&'static str, String)>) -> Result<Vec<Row>, Failure> {
        let path = format!("_design/{}/_view/{}", view.design, view.name);
        let answer = self.call(Call::new(Method::GET, path).with_query(query)).await?;
        Ok(answer.json::<Rows>()?.rows)
    }
}

fn keys(newest: &Value, oldest: &Value) -> Vec<(&'static str, String)> {
    vec![("descending", "true".to_owned()), ("startkey", newest.to_string()), ("endkey", oldest.to_string())]
}
