//! `wsk api create [BASE_PATH] PATH VERB ACTION` and `wsk api create --config-file FILE`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::client::{Api, ApiDocument, Client};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::gateway::{self, Backend, DEFAULT_RESPONSES, Operation};
use crate::name::{OWN_NAMESPACE, QualifiedName};
use crate::output::Printer;

const FAILED: &str = "Unable to create API";

/// What leads where.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// [BASE_PATH] PATH VERB ACTION
    #[arg(num_args = 0..=4, value_name = "WORD")]
    words: Vec<String>,
    /// Title of the API
    #[arg(short = 'n', long, value_name = "NAME")]
    apiname: Option<String>,
    /// A Swagger document, JSON or YAML, instead of a path, verb and action
    #[arg(short, long, value_name = "FILE", conflicts_with = "words")]
    config_file: Option<PathBuf>,
    /// What the action answers: json, http, html, text or svg
    #[arg(long, value_name = "TYPE", default_value = DEFAULT_RESPONSES)]
    response_type: String,
}

impl Run for CreateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let client = context.client()?;
        let token = context.settings.gateway_token.clone();
        let document = match &self.config_file {
            Some(file) => self.whole(&client, file)?,
            None => return self.operation(context, &client, token.as_deref()),
        };
        let created = client.apis().create(token.as_deref(), &document, &self.response_type);
        let api = created.map_err(Failure::request(FAILED))?;
        api.rows().iter().try_for_each(|row| tell(context.out(), &api, &row.path, &row.verb, &row.action))?;
        Ok(exit::OK)
    }
}

impl CreateArgs {
    fn operation(
        &self,
        context: &mut Context<'_>,
        client: &Client,
        token: Option<&str>,
    ) -> Result<u8, Failure> {
        let operation = self.read()?.checked()?;
        let backend = backend(client, &operation.action)?;
        let owner = match operation.action.namespace.as_str() {
            OWN_NAMESPACE => backend.namespace.clone(),
            _ => own_namespace(client)?,
        };
        let document = operation.document(client, &backend, &owner);
        let created = client.apis().create(token, &document, &operation.responses);
        let api = created.map_err(Failure::request(FAILED))?;
        let Operation { path, verb, action, .. } = &operation;
        tell(context.out(), &api, path, verb, &action.to_string())?;
        Ok(exit::OK)
    }

    fn read(&self) -> Result<Operation, Failure> {
        let (base_path, path, verb, action) = match &self.words[..] {
            [base_path, path, verb, action] => (base_path.as_str(), path, verb, action),
            [path, verb, action] => ("/", path, verb, action),
            _ => {
                return Err(Failure::usage(
                    "Invalid argument(s). An API path, an API verb and an action name are required.",
                ));
            }
        };
        let action: QualifiedName =
            action.parse().map_err(|error: crate::name::NameError| Failure::usage(error.to_string()))?;
        Ok(Operation {
            base_path: base_path.to_owned(),
            path: path.clone(),
            verb: verb.clone(),
            title: self.apiname.clone(),
            responses: self.response_type.clone(),
            action,
        })
    }

    /// The document's text, as JSON if it is YAML.
    fn whole(&self, client: &Client, file: &Path) -> Result<ApiDocument, Failure> {
        gateway::check_responses(&self.response_type)?;
        let what = format!("Unable to read the API configuration file '{}'", file.display());
        let text = std::fs::read_to_string(file).map_err(Failure::file(what))?;
        let document: serde_json::Value = serde_saphyr::from_str(&text).map_err(|error| {
            Failure::Local(format!(
                "The API configuration file '{}' is not understood: {error}",
                file.display()
            ))
        })?;
        if !document.get("basePath").is_some_and(serde_json::Value::is_string) {
            return Err(Failure::Local(format!(
                "The API configuration file '{}' is no Swagger document: it has no basePath",
                file.display()
            )));
        }
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let swagger = if is_json { text } else { document.to_string() };
        Ok(ApiDocument {
            namespace: own_namespace(client)?,
            swagger: Some(swagger),
            ..ApiDocument::default()
        })
    }
}

/// Looks the action up.
fn backend(client: &Client, action: &QualifiedName) -> Result<Backend, Failure> {
    let got = client.actions().get_without_code(action);
    let found = got.map_err(Failure::request(format!("Unable to get action '{}'", action.local())))?;
    Backend::of(&found)?.ok_or_else(|| {
        Failure::Local(format!(
            "{FAILED}: action '{}' is not a web action. Issue 'wsk action update \"{}\" --web true' to convert \
             the action to a web action.",
            action.local(),
            action.local()
        ))
    })
}

fn own_namespace(client: &Client) -> Result<String, Failure> {
    let listed = client.namespaces().list();
    let namespaces = listed.map_err(Failure::request("Unable to obtain the list of namespaces"))?;
    Ok(namespaces.into_iter().next().unwrap_or_else(|| OWN_NAMESPACE.to_owned()))
}

fn tell(out: &mut Printer, api: &Api, path: &str, verb: &str, action: &str) -> Result<(), Failure> {
    out.ok(format!("created API {} {} for action {action}", out.bold(path), verb.to_uppercase()))?;
    out.line(format_args!("{}{path}", api.gw_api_url))?;
    Ok(())
}
