//! The APIs of a manifest: title, base path, path and action, one inside the other.

use serde::Deserialize;
use serde_json::Value;

use super::decode;
use crate::exit::Failure;
use crate::gateway;
use crate::name::QualifiedName;
use crate::project::manifest::Values;
use crate::project::operation::Operation;

/// Answers unless the manifest says otherwise.
const RESPONSES: &str = "http";

/// How a path leads to an action: a verb alone, or with the kind of answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Route {
    Verb(String),
    Whole { method: String, response: Option<String> },
}

/// One operation for each action of each path.
pub(super) fn operations(
    apis: &Values,
    qualified: impl Fn(&str) -> Result<QualifiedName, Failure>,
) -> Result<Vec<Operation>, Failure> {
    let mut operations = Vec::new();
    for (title, base_paths) in apis {
        let what = format!("API '{title}'");
        for (base_path, paths) in members(&what, base_paths)? {
            for (path, actions) in members(&what, &paths)? {
                for (action, route) in members(&what, &actions)? {
                    let (verb, responses) = match decode(&what, route)? {
                        Route::Verb(verb) => (verb, None),
                        Route::Whole { method, response } => (method, response),
                    };
                    let operation = gateway::Operation {
                        base_path: rooted(&base_path),
                        path: rooted(&path),
                        verb,
                        title: Some(title.clone()),
                        responses: responses.unwrap_or_else(|| RESPONSES.to_owned()),
                        action: qualified(&action)?,
                    };
                    operations.push(Operation::Api(Box::new(operation.checked()?)));
                }
            }
        }
    }
    Ok(operations)
}

fn members(what: &str, value: &Value) -> Result<Values, Failure> {
    decode(what, value.clone())
}

fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}
