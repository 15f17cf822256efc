//! `wsk api create [BASE_PATH|NAME] PATH VERB ACTION` and `wsk api create --config-file FILE`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::client::{Api, ApiDocument, ApiQuery, Client};
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::gateway::{self, Backend, DEFAULT_RESPONSES, Operation};
use crate::name::{OWN_NAMESPACE, QualifiedName};
use crate::output::Printer;

const FAILED: &str = "Unable to create API";

/// What leads where.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// [BASE_PATH|NAME] PATH VERB ACTION
    #[arg(num_args = 0..=4, value_name = "WORD")]
    words: Vec<String>,
    /// Title of the API
    #[arg(short = 'n', long, value_name = "NAME")]
    apiname: Option<String>,
    /// A Swagger or OpenAPI document, JSON or YAML, instead of a path, verb and action
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
        let operation = self.read(client, token)?.checked()?;
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

    /// What the words say. A first one of four that is no path is the title of an API that exists.
    fn read(&self, client: &Client, token: Option<&str>) -> Result<Operation, Failure> {
        let (api, path, verb, action) = match &self.words[..] {
            [api, path, verb, action] => (api.as_str(), path, verb, action),
            [path, verb, action] => ("/", path, verb, action),
            _ => {
                return Err(Failure::usage(
                    "Invalid argument(s). An API path, an API verb and an action name are required.",
                ));
            }
        };
        let action: QualifiedName =
            action.parse().map_err(|error: crate::name::NameError| Failure::usage(error.to_string()))?;
        let (base_path, title) = match (api.starts_with('/'), &self.apiname) {
            (true, title) => (api.to_owned(), title.clone()),
            (false, Some(_)) => return Err(Failure::usage("An API name can only be specified once.")),
            (false, None) => (base_path_of(client, token, api)?, Some(api.to_owned())),
        };
        Ok(Operation {
            base_path,
            path: path.clone(),
            verb: verb.clone(),
            title,
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
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let swagger = if is_json { text } else { document.to_string() };
        Ok(ApiDocument {
            namespace: own_namespace(client)?,
            swagger: Some(swagger),
            ..ApiDocument::default()
        })
    }
}

/// The base path of the one API with this title.
fn base_path_of(client: &Client, token: Option<&str>, title: &str) -> Result<String, Failure> {
    let query = ApiQuery { api: Some(title.to_owned()), ..ApiQuery::default() };
    let listed = client.apis().list(token, &query, None);
    let apis = listed.map_err(Failure::request(format!("Unable to get API '{title}'")))?;
    match &apis[..] {
        [(api, _)] => Ok(api.base_path()),
        [] => Err(Failure::Local(format!("There is no API '{title}'"))),
        _ => Err(Failure::Local(format!("There are several APIs '{title}': name one by its base path"))),
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
