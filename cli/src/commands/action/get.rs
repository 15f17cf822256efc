//! `wsk action get NAME [FIELD]`: shows an action, its summary or its URL, or saves its code.

use std::path::PathBuf;

use clap::Args;
use whirl_model::Json;

use super::save;
use crate::client::Client;
use crate::commands::{Context, Run, Shown, show_entity, summary};
use crate::exit::{self, Failure};
use crate::name::QualifiedName;

/// Which action to show, and how.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The action
    name: QualifiedName,
    /// Show only this member
    field: Option<String>,
    #[command(flatten)]
    form: FormFlags,
}

/// What to show instead of the whole action.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct FormFlags {
    /// Show description and parameters
    #[arg(short, long)]
    summary: bool,
    /// Show the URL that invokes the action
    #[arg(short = 'r', long)]
    url: bool,
    /// Save the code under the action's name
    #[arg(long)]
    save: bool,
    /// Save the code in a file
    #[arg(long, value_name = "FILE")]
    save_as: Option<PathBuf>,
}

impl Run for GetArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let action = self.fetch(&client)?;
        let name = self.name.local();
        let out = context.console.out();
        let bold = out.bold(&name);
        if self.form.save || self.form.save_as.is_some() {
            let path = save::save(&self.name, &action, self.form.save_as)?;
            out.ok(format!("saved action code to {}", path.display()))?;
        } else if self.form.summary {
            let text = summary::of_code("action", &summary::Described::of(&action)?, out);
            out.line(text)?;
        } else if self.form.url {
            out.ok(format!("got action {bold}"))?;
            out.line(url(&client, &action)?)?;
        } else {
            show_entity(out, &Shown { noun: "action", name: &name, entity: &action }, self.field.as_deref())?;
        }
        Ok(exit::OK)
    }
}

impl GetArgs {
    /// Code travels only if it is wanted: it may be 48 MB.
    fn fetch(&self, client: &Client) -> Result<Json, Failure> {
        let wants_code = self.form.save
            || self.form.save_as.is_some()
            || self.field.as_ref().is_some_and(|field| field.eq_ignore_ascii_case("exec"));
        let actions = client.actions();
        let got = if wants_code { actions.get(&self.name) } else { actions.get_without_code(&self.name) };
        got.map_err(Failure::request(format!("Unable to get action '{}'", self.name.local())))
    }
}

/// Web actions have an address of their own.
fn url(client: &Client, action: &Json) -> Result<String, Failure> {
    let entity = summary::Described::of(action)?;
    let (namespace, package) = match entity.namespace.split_once('/') {
        Some((namespace, package)) => (namespace, Some(package)),
        None => (entity.namespace.as_str(), None),
    };
    Ok(if entity.is_web() {
        client.url(&["web", namespace, package.unwrap_or("default"), &entity.name])
    } else {
        let local = package.map_or(entity.name.clone(), |package| format!("{package}/{}", entity.name));
        client.url(&["namespaces", namespace, "actions", &local])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientConfig;

    #[test]
    fn urls_tell_web_actions_and_packages_apart() {
        let client = Client::new(ClientConfig::new("h")).unwrap();
        let shown = |namespace: &str, web: bool| {
            let annotations = format!(r#"[{{"key":"web-export","value":{web}}}]"#);
            let text = format!(r#"{{"namespace":"{namespace}","name":"a b","annotations":{annotations}}}"#);
            url(&client, &Json::parse(&text).unwrap()).unwrap()
        };
        assert_eq!(shown("ns", false), "https://h/api/v1/namespaces/ns/actions/a%20b");
        assert_eq!(shown("ns/p", false), "https://h/api/v1/namespaces/ns/actions/p/a%20b");
        assert_eq!(shown("ns", true), "https://h/api/v1/web/ns/default/a%20b");
        assert_eq!(shown("ns/p", true), "https://h/api/v1/web/ns/p/a%20b");
    }
}
