//! `wsk activation poll [NAME]`: shows the logs of activations as their records appear.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Deserialize;
use whirl_model::Json;

use crate::client::{ActivationQuery, Client, Error, Page};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::name::ActivationFilter;
use crate::output::{Console, Printer};

const INTERVAL: Duration = Duration::from_secs(2);
const UNABLE: &str = "Unable to obtain the list of activations";

/// What to watch, from when on and for how long.
#[derive(Debug, Args)]
pub struct PollArgs {
    /// Only those of this action, trigger or rule; or a namespace (/NAMESPACE)
    name: Option<ActivationFilter>,
    /// Stop after that many seconds
    #[arg(short, long, value_name = "SECONDS")]
    exit: Option<u64>,
    #[command(flatten)]
    since: SinceFlags,
}

/// How far back to begin; the times add up.
#[derive(Debug, Args)]
struct SinceFlags {
    /// Begin that many seconds ago
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    since_seconds: i64,
    /// Begin that many minutes ago
    #[arg(long, value_name = "MINUTES", default_value_t = 0, hide_default_value = true)]
    since_minutes: i64,
    /// Begin that many hours ago
    #[arg(long, value_name = "HOURS", default_value_t = 0, hide_default_value = true)]
    since_hours: i64,
    /// Begin that many days ago
    #[arg(long, value_name = "DAYS", default_value_t = 0, hide_default_value = true)]
    since_days: i64,
}

impl SinceFlags {
    /// Milliseconds to go back; `None` if nothing was given.
    fn ago(&self) -> Option<i64> {
        let seconds = [
            (self.since_seconds, 1),
            (self.since_minutes, 60),
            (self.since_hours, 3600),
            (self.since_days, 86_400),
        ]
        .into_iter()
        .fold(0_i64, |sum, (count, unit)| sum.saturating_add(count.saturating_mul(unit)));
        (seconds > 0).then(|| seconds.saturating_mul(1000))
    }
}

/// What poll shows of a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    activation_id: String,
    name: String,
    start: i64,
    #[serde(default)]
    logs: Vec<String>,
}

/// Remembers what has been shown.
#[derive(Debug, Default)]
struct Shown(HashSet<String>);

impl Shown {
    /// Those that are new, oldest first.
    fn sift(&mut self, newest_first: Vec<Record>) -> Vec<Record> {
        let fresh = newest_first.into_iter().rev();
        fresh.filter(|record| self.0.insert(record.activation_id.clone())).collect()
    }
}

impl Run for PollArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let end = self.exit.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let client = context.client()?;
        let filter = self.name.unwrap_or_default();
        let since = match self.since.ago() {
            Some(ago) => now().saturating_sub(ago),
            None => after_newest(&client, &filter).map_err(Failure::request(UNABLE))?,
        };
        context.out().line("Enter Ctrl-c to exit.")?;
        context.out().line("Polling for activation logs")?;
        watch(&client, &filter, since, end, context.console)?;
        Ok(exit::OK)
    }
}

fn watch(
    client: &Client,
    filter: &ActivationFilter,
    since: i64,
    end: Option<Instant>,
    console: &mut Console,
) -> Result<(), Failure> {
    let query = ActivationQuery { since: Some(since), ..all(filter) };
    let mut shown = Shown::default();
    loop {
        match records(client, filter, &query) {
            Ok(records) => {
                shown.sift(records).iter().try_for_each(|record| show(console.out(), record))?;
            }
            Err(error) if error.may_pass() => {
                console.err().line(format_args!("{UNABLE}: {error}; trying again"))?;
            }
            Err(error) => return Err(Failure::request(UNABLE)(error)),
        }
        let rest = end.map_or(INTERVAL, |end| end.saturating_duration_since(Instant::now()).min(INTERVAL));
        if rest.is_zero() {
            return Ok(());
        }
        sleep(rest);
    }
}

fn all(filter: &ActivationFilter) -> ActivationQuery {
    ActivationQuery { name: filter.entity.clone(), ..ActivationQuery::page(Page::ALL) }
}

fn records(
    client: &Client,
    filter: &ActivationFilter,
    query: &ActivationQuery,
) -> Result<Vec<Record>, Error> {
    let records = client.activations().list_records(&filter.namespace, query)?;
    // A record without these members is not one that can be shown.
    Ok(records.iter().filter_map(|record| serde_json::from_str(record.as_str()).ok()).collect())
}

/// What is older than this has been there before: just after the newest activation's start.
fn after_newest(client: &Client, filter: &ActivationFilter) -> Result<i64, Error> {
    let query = ActivationQuery { page: Page { limit: 1, skip: 0 }, ..all(filter) };
    Ok(records(client, filter, &query)?.first().map_or(0, |newest| newest.start + 1))
}

fn show(out: &mut Printer, record: &Record) -> std::io::Result<()> {
    out.line("")?;
    out.line(format_args!("Activation: '{}' ({})", out.bold(&record.name), out.bold(&record.activation_id)))?;
    out.json(&Json::of(&record.logs))
}

fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_activation_is_shown_once_oldest_first() {
        let record = |id: &str| Record {
            activation_id: id.to_owned(),
            name: "a".to_owned(),
            start: 1,
            logs: Vec::new(),
        };
        let ids = |records: Vec<Record>| records.into_iter().map(|r| r.activation_id).collect::<Vec<_>>();
        let mut shown = Shown::default();
        assert_eq!(ids(shown.sift(vec![record("b"), record("a")])), ["a", "b"]);
        assert_eq!(ids(shown.sift(vec![record("c"), record("b"), record("a")])), ["c"]);
    }

    #[test]
    fn times_back_add_up() {
        let flags = |since_seconds, since_minutes| SinceFlags {
            since_seconds,
            since_minutes,
            since_hours: 0,
            since_days: 0,
        };
        assert_eq!(flags(5, 2).ago(), Some(125_000));
        assert_eq!(flags(0, 0).ago(), None);
    }
}
