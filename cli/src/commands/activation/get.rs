//! `wsk activation get ID [FIELD]`.

use clap::Args;
use jiff::tz::TimeZone;
use serde::Deserialize;
use whirl_model::Json;

use super::strip::strip;
use super::target::LastFlag;
use crate::commands::{Context, Run, field_of};
use crate::exit::{self, Failure};
use crate::name::OWN_NAMESPACE;
use crate::output::Printer;
use crate::output::activation_row::local_time;

/// Which activation to show, and how.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The activation; with --last a member to show
    id: Option<String>,
    /// Show only this member
    field: Option<String>,
    #[command(flatten)]
    last: LastFlag,
    #[command(flatten)]
    form: FormFlags,
}

/// What to show instead of the whole record.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct FormFlags {
    /// Show name, status and result
    #[arg(short, long)]
    summary: bool,
    /// Show the logs without time stamps and stream names
    #[arg(short = 'g', long)]
    logs: bool,
}

/// What a summary needs of a record.
#[derive(Debug, Deserialize)]
struct Record {
    namespace: String,
    name: String,
    start: i64,
    end: Option<i64>,
    response: Response,
    #[serde(default)]
    logs: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: String,
    result: Option<Json>,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let (id, field) = self.last.target(&client, self.id, self.field)?;
        let got = client.activations().get(OWN_NAMESPACE, &id);
        let activation = got.map_err(Failure::request(format!("Unable to get activation '{id}'")))?;
        let out = context.out();
        let bold = out.bold(&id);
        if self.form.summary {
            summary(out, &record(&activation)?)?;
        } else if self.form.logs {
            record(&activation)?.logs.iter().try_for_each(|line| out.line(strip(line)))?;
        } else if let Some(field) = field {
            let value = field_of(&activation, &field)?;
            out.ok(format!("got activation {bold}, displaying field {}", out.bold(&field)))?;
            out.json(&value)?;
        } else {
            out.ok(format!("got activation {bold}"))?;
            out.json(&activation)?;
        }
        Ok(exit::OK)
    }
}

fn record(activation: &Json) -> Result<Record, Failure> {
    serde_json::from_str(activation.as_str())
        .map_err(|error| Failure::Local(format!("The server's answer is no activation: {error}")))
}

fn summary(out: &mut Printer, record: &Record) -> Result<(), Failure> {
    let Record { namespace, name, response, .. } = record;
    let time = local_time(record.end.unwrap_or(record.start), &TimeZone::system());
    out.line(format_args!("activation result for '/{namespace}/{name}' ({} at {time})", response.status))?;
    response.result.iter().try_for_each(|result| out.json(result))?;
    Ok(())
}
