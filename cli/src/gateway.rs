//! What it takes to put a web action behind the API gateway: the checks, and the document to send.

use serde::Deserialize;
use whirl_model::Json;

use crate::client::{ApiAction, ApiDocument, Client, KeyValue, PathParameter, value_of};
use crate::exit::Failure;
use crate::name::QualifiedName;

/// The kind of answers unless told otherwise.
pub(crate) const DEFAULT_RESPONSES: &str = "json";
/// The only kind of answers that goes with parameters in a path.
const FULL_RESPONSES: &str = "http";
const RESPONSES: [&str; 5] = ["html", "http", "json", "text", "svg"];
const VERBS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// A path and verb that are to lead to an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// `/shop`
    pub(crate) base_path: String,
    /// `/item/{id}`
    pub(crate) path: String,
    /// `get`
    pub(crate) verb: String,
    /// The API's title; the base path unless given.
    pub(crate) title: Option<String>,
    /// `json`, `http`, …
    pub(crate) responses: String,
    /// The web action.
    pub(crate) action: QualifiedName,
}

impl Operation {
    /// The same with paths and verb in their usual form.
    pub(crate) fn checked(self) -> Result<Self, Failure> {
        let verb = self.verb.to_lowercase();
        let base_path = match self.base_path.trim_end_matches('/') {
            "" if !self.base_path.is_empty() => "/".to_owned(),
            trimmed => trimmed.to_owned(),
        };
        check_path("base path", &base_path)?;
        check_path("path", &self.path)?;
        check_responses(&self.responses)?;
        if !VERBS.contains(&verb.as_str()) {
            let known = VERBS.join(", ");
            return Err(Failure::usage(format!("'{}' is not a valid API verb: use {known}", self.verb)));
        }
        if !parameters(&self.path).is_empty() && self.responses != FULL_RESPONSES {
            return Err(Failure::usage(format!(
                "The path '{}' has parameters: use --response-type {FULL_RESPONSES}",
                self.path
            )));
        }
        Ok(Self { verb, base_path, ..self })
    }

    /// What to send, the action having been looked up.
    pub(crate) fn document(&self, client: &Client, backend: &Backend, owner: &str) -> ApiDocument {
        let package = backend.package.as_deref();
        let address =
            client.url(&["web", &backend.namespace, package.unwrap_or("default"), &self.action.entity]);
        ApiDocument {
            namespace: owner.to_owned(),
            gateway_base_path: Some(self.base_path.clone()),
            gateway_path: Some(self.path.clone()),
            gateway_method: Some(self.verb.clone()),
            id: Some(format!("API:{owner}:{}", self.base_path)),
            api_name: Some(self.title.clone().unwrap_or_else(|| self.base_path.clone())),
            action: Some(ApiAction {
                name: self.action.local(),
                namespace: backend.namespace.clone(),
                backend_method: self.verb.to_uppercase(),
                backend_url: format!("{address}.{}", self.responses),
                authkey: client.auth().map_or("", |auth| auth.expose()).to_owned(),
                secure_key: backend.secret.clone(),
            }),
            path_parameters: parameters(&self.path).into_iter().map(PathParameter::of).collect(),
            swagger: None,
        }
    }
}

/// Refuses kinds of answers that web actions do not have.
pub(crate) fn check_responses(kind: &str) -> Result<(), Failure> {
    if RESPONSES.contains(&kind) {
        return Ok(());
    }
    Err(Failure::usage(format!("'{kind}' is not a valid response type: use {}", RESPONSES.join(", "))))
}

fn check_path(what: &str, path: &str) -> Result<(), Failure> {
    if path.starts_with('/') {
        return Ok(());
    }
    Err(Failure::usage(format!("'{path}' is not a valid API {what}: it must begin with '/'")))
}

/// The names in braces: `id` of `/item/{id}`.
fn parameters(path: &str) -> Vec<&str> {
    let in_braces = |part: &'_ str| part.starts_with('{') && part.ends_with('}') && part.len() > 2;
    path.split('/').filter(|part| in_braces(part)).map(|part| &part[1..part.len() - 1]).collect()
}

/// The action as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    /// Its namespace.
    pub(crate) namespace: String,
    package: Option<String>,
    /// The secret that it asks callers for.
    secret: Option<Json>,
}

impl Backend {
    /// Reads an action. `None` if it is no web action.
    pub(crate) fn of(action: &Json) -> Result<Option<Self>, Failure> {
        #[derive(Deserialize)]
        struct Action {
            namespace: String,
            #[serde(default)]
            annotations: Vec<KeyValue>,
        }
        let Action { namespace, annotations } = serde_json::from_str(action.as_str())
            .map_err(|error| Failure::Local(format!("The server's answer is no action: {error}")))?;
        if value_of(&annotations, "web-export").is_none_or(|value| value.as_str() != "true") {
            return Ok(None);
        }
        let secret = value_of(&annotations, "require-whisk-auth").cloned();
        let secret = secret.filter(|secret| !matches!(secret.as_str(), "false" | "true"));
        Ok(Some(match namespace.split_once('/') {
            Some((namespace, package)) => {
                Self { namespace: namespace.to_owned(), package: Some(package.to_owned()), secret }
            }
            None => Self { namespace, package: None, secret },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Auth, ClientConfig};

    fn operation() -> Operation {
        Operation {
            base_path: "/shop/".into(),
            path: "/item/{id}".into(),
            verb: "GET".into(),
            title: Some("Shop".into()),
            responses: "http".into(),
            action: "p/hello".parse().unwrap(),
        }
    }

    #[test]
    fn the_document_tells_where_action_and_path_are() {
        let action = r#"{"namespace":"alice/p","annotations":[{"key":"web-export","value":true},
            {"key":"require-whisk-auth","value":"s3"}]}"#;
        let backend = Backend::of(&Json::parse(action).unwrap()).unwrap().unwrap();
        let client = Client::new(ClientConfig::new("h").with_auth(Auth::new("u:k"))).unwrap();
        let document = operation().checked().unwrap().document(&client, &backend, "alice");
        assert_eq!(
            serde_json::to_string(&document).unwrap(),
            concat!(
                r#"{"namespace":"alice","gatewayBasePath":"/shop","gatewayPath":"/item/{id}","#,
                r#""gatewayMethod":"get","id":"API:alice:/shop","apiName":"Shop","#,
                r#""action":{"name":"p/hello","namespace":"alice","backendMethod":"GET","#,
                r#""backendUrl":"https://h/api/v1/web/alice/p/hello.http","authkey":"u:k","secureKey":"s3"},"#,
                r#""pathParameters":[{"name":"id","in":"path","#,
                r#""description":"Default description for 'id'","required":true,"type":"string"}]}"#
            )
        );
    }

    #[test]
    fn paths_verbs_and_answers_are_checked() {
        assert!(operation().checked().is_ok());
        for bad in [
            Operation { base_path: "shop".into(), ..operation() },
            Operation { path: "item".into(), ..operation() },
            Operation { verb: "fetch".into(), ..operation() },
            Operation { responses: "json".into(), ..operation() },
            Operation { responses: "xml".into(), ..operation() },
        ] {
            assert!(matches!(bad.clone().checked(), Err(Failure::Usage(_))), "{bad:?}");
        }
        let root = Operation { base_path: "/".into(), ..operation() };
        assert_eq!(root.checked().unwrap().base_path, "/");
    }

    #[test]
    fn only_web_actions_will_do() {
        let private = Json::parse(r#"{"namespace":"ns","annotations":[]}"#).unwrap();
        assert_eq!(Backend::of(&private).unwrap(), None);
    }
}
