//! Calls on the APIs of the gateway: three web actions of the system that keep them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use whirl_model::Json;

use super::{Call, Client, Error, Method, Page};

/// What is sent where no access token is configured.
const NO_TOKEN: &str = "DUMMY TOKEN";

/// Calls on APIs; see [`Client::apis`].
pub struct Apis<'c> {
    pub(super) client: &'c Client,
}

/// One operation to put behind the gateway, or a whole Swagger document with all of its operations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiDocument {
    /// The owner.
    pub namespace: String,
    /// `/shop`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_base_path: Option<String>,
    /// `/item/{id}`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_path: Option<String>,
    /// `get`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_method: Option<String>,
    /// `API:NAMESPACE:BASE_PATH`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The title; the base path unless one is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_name: Option<String>,
    /// What answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ApiAction>,
    /// The parts of the path in braces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path_parameters: Vec<PathParameter>,
    /// A Swagger 2.0 document as text; with it only the namespace matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swagger: Option<String>,
}

/// The web action behind an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiAction {
    /// `NAME` or `PACKAGE/NAME`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `GET`
    pub backend_method: String,
    /// Its web address with the extension that tells the kind of answer.
    pub backend_url: String,
    /// The credential of the one who makes the API.
    pub authkey: String,
    /// The secret that the action asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_key: Option<Json>,
}

/// A part of a path in braces, as Swagger describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathParameter {
    name: String,
    #[serde(rename = "in")]
    place: &'static str,
    description: String,
    required: bool,
    #[serde(rename = "type")]
    sort: &'static str,
}

impl PathParameter {
    /// A text between two slashes.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let description = format!("Default description for '{name}'");
        Self { name: name.to_owned(), place: "path", description, required: true, sort: "string" }
    }
}

/// An API as the gateway has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    /// Its address: `https://gateway/…/shop`.
    #[serde(default)]
    pub gw_api_url: String,
    /// Its Swagger document.
    pub apidoc: Json,
}

/// One operation of an API, out of its Swagger document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRow {
    /// `/NAMESPACE/[PACKAGE/]ACTION`; empty if the document does not tell.
    pub action: String,
    /// `get`
    pub verb: String,
    /// The API's title.
    pub name: String,
    /// `/shop`
    pub base_path: String,
    /// `/item`
    pub path: String,
    /// The whole address.
    pub url: String,
}

/// Which APIs or operations are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiQuery {
    /// All with this base path or title.
    pub api: Option<String>,
    /// Only this path of it.
    pub path: Option<String>,
    /// Only this verb of that.
    pub verb: Option<String>,
}

impl Api {
    /// `info.title` of the document.
    #[must_use]
    pub fn title(&self) -> String {
        text_at(&self.apidoc, &["info", "title"])
    }

    /// `basePath` of the document.
    #[must_use]
    pub fn base_path(&self) -> String {
        text_at(&self.apidoc, &["basePath"])
    }

    /// Every operation, in the document's order.
    #[must_use]
    pub fn rows(&self) -> Vec<ApiRow> {
        type Verbs = IndexMap<String, Json>;
        let paths = self.apidoc.member("paths").unwrap_or_else(Json::empty_object);
        let paths: IndexMap<String, Json> = serde_json::from_str(paths.as_str()).unwrap_or_default();
        let mut rows = Vec::new();
        for (path, verbs) in paths {
            let verbs: Verbs = serde_json::from_str(verbs.as_str()).unwrap_or_default();
            let operations = verbs.into_iter().filter(|(verb, _)| is_verb(verb));
            rows.extend(operations.map(|(verb, operation)| self.row(&path, verb, &operation)));
        }
        rows
    }

    fn row(&self, path: &str, verb: String, operation: &Json) -> ApiRow {
        let of_action = |member| text_at(operation, &["x-openwhisk", member]);
        let (namespace, package, action) =
            (of_action("namespace"), of_action("package"), of_action("action"));
        let action = match package.as_str() {
            _ if action.is_empty() => String::new(),
            "" | "default" => format!("/{namespace}/{action}"),
            package => format!("/{namespace}/{package}/{action}"),
        };
        ApiRow {
            action,
            verb,
            name: self.title(),
            base_path: self.base_path(),
            path: path.to_owned(),
            url: format!("{}{path}", self.gw_api_url),
        }
    }
}

/// Whether a member of a Swagger path is an operation.
fn is_verb(member: &str) -> bool {
    ["get", "put", "post", "delete", "options", "head", "patch"].contains(&member.to_lowercase().as_str())
}

fn text_at(value: &Json, members: &[&str]) -> String {
    let found = members.iter().try_fold(value.clone(), |value, member| value.member(member));
    found.and_then(|value| value.to_text()).unwrap_or_default()
}

impl Apis<'_> {
    /// Adds an operation to an API, or all of a document; the API is created if need be. `responses` is the
    /// kind of the action's answers: `json`, `http`, …
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(&self, token: Option<&str>, document: &ApiDocument, responses: &str) -> Result<Api, Error> {
        #[derive(Serialize)]
        struct Body<'d> {
            apidoc: &'d ApiDocument,
        }
        let call = self.call(Method::POST, "createApi.http", token).query("responsetype", &responses);
        self.client.fetch(&call.json(&Body { apidoc: document }))
    }

    /// The APIs that are meant, or a page of them, each with its whole value as the server sent it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(
        &self,
        token: Option<&str>,
        query: &ApiQuery,
        page: Option<Page>,
    ) -> Result<Vec<(Api, Json)>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            apis: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            value: Json,
        }
        let call = query.add_to(self.call(Method::GET, "getApi.http", token));
        let call = match page {
            Some(page) => call.query("limit", &page.limit).query("skip", &page.skip),
            None => call,
        };
        let answer: Answer = self.client.fetch(&call)?;
        let read = |entry: Entry| match serde_json::from_str(entry.value.as_str()) {
            Ok(api) => Ok((api, entry.value)),
            Err(source) => Err(Error::Body { method: "GET".into(), path: call.path.clone(), source }),
        };
        answer.apis.into_iter().map(read).collect()
    }

    /// Deletes an API, one path of it, or one operation.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, token: Option<&str>, query: &ApiQuery) -> Result<(), Error> {
        self.client.send(&query.add_to(self.call(Method::DELETE, "deleteApi.http", token))).map(drop)
    }

    fn call<'a>(&self, method: Method, action: &str, token: Option<&str>) -> Call<'a> {
        let owner = self.client.auth().map_or("", |auth| auth.uuid());
        Call::new(method, &["web", "whisk.system", "apimgmt", action])
            .query("accesstoken", &token.unwrap_or(NO_TOKEN))
            .query("spaceguid", &owner)
    }
}

impl ApiQuery {
    fn add_to<'a>(&self, call: Call<'a>) -> Call<'a> {
        let parts = [("basepath", &self.api), ("relpath", &self.path), ("operation", &self.verb)];
        parts.into_iter().fold(call, |call, (key, value)| match value {
            Some(value) => call.query(key, value),
            None => call,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_from_the_swagger_document() {
        let text = r#"{"gwApiUrl":"https://gw/shop","apidoc":{"basePath":"/shop","info":{"title":"Shop"},
            "paths":{"/item":{"get":{"x-openwhisk":{"action":"a","namespace":"ns","package":"default"}},
                              "parameters":[],
                              "post":{"x-openwhisk":{"action":"b","namespace":"ns","package":"p"}}},
                     "/bare":{"get":{}}}}}"#;
        let api: Api = serde_json::from_str(text).unwrap();
        let rows: Vec<String> =
            api.rows().into_iter().map(|row| format!("{} {} {}", row.action, row.verb, row.url)).collect();
        assert_eq!(
            rows,
            [
                "/ns/a get https://gw/shop/item",
                "/ns/p/b post https://gw/shop/item",
                " get https://gw/shop/bare"
            ]
        );
        assert_eq!((api.title(), api.base_path()), ("Shop".into(), "/shop".into()));
    }
}
