//! `wsk package get NAME [FIELD]`: shows a package, or what is in it in short.

use clap::Args;
use serde::Deserialize;
use whirl_model::Json;

use crate::commands::summary::{self, Described};
use crate::commands::{Context, Run, Shown, show_entity};
use crate::exit::{self, Failure};
use crate::name::PlainName;
use crate::output::Printer;

/// Which package to show, and how.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The package
    name: PlainName,
    /// Show only this member
    field: Option<String>,
    /// Show description, parameters and actions
    #[arg(short, long)]
    summary: bool,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let name = &self.name.entity;
        let got = context.client()?.packages().get(&self.name);
        let package = got.map_err(Failure::request(format!("Unable to get package '{name}'")))?;
        let out = context.out();
        if self.summary {
            summarise(out, &package)?;
        } else {
            let shown = Shown { noun: "package", name, entity: &package };
            show_entity(out, &shown, self.field.as_deref())?;
        }
        Ok(exit::OK)
    }
}

#[derive(Deserialize)]
struct Contents {
    #[serde(default)]
    actions: Vec<Described>,
    #[serde(default)]
    feeds: Vec<Described>,
}

fn summarise(out: &mut Printer, package: &Json) -> Result<(), Failure> {
    let described = Described::of(package)?;
    let contents: Contents = serde_json::from_str(package.as_str())
        .map_err(|error| Failure::Local(format!("The server's answer is no package: {error}")))?;
    let place = format!("{}/{}", described.namespace, described.name);
    let text = summary::of_entity("package", &described, out);
    out.line(text)?;
    for (noun, list) in [("action", contents.actions), ("feed", contents.feeds)] {
        for item in list {
            let text = summary::of_code(noun, &item.within(&place), out);
            out.line(format_args!(" {text}"))?;
        }
    }
    Ok(())
}
