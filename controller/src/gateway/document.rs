//! The description of one API, Swagger 2.0 or OpenAPI 3: read and checked, added to, taken from. What it does not
//! need to understand stays to the letter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::json;
use whirl_model::json::JsonKind;
use whirl_model::{Json, Namespace};

use super::assembly::{Assembly, Invocation, check_secret};
use super::members::{self, Members};
use super::path::{BasePath, PathTemplate};
use super::target::{REQUEST_PATH, Target, origin};
use super::verb::Verb;
use crate::api_error::ApiError;

const CONFIGURATION: &str = "x-ibm-configuration";
const EXTENSION: &str = "x-openwhisk";
/// What a description may ask of a gateway that this one does not do. It is refused: nobody should think that an
/// API is guarded which is not.
const UNSUPPORTED: [&str; 3] = ["security", "x-ibm-rate-limit", "x-gateway-rate-limit"];

/// An API's description. Operations that name no web action lead nowhere.
#[derive(Clone, Debug)]
pub(super) struct ApiDocument {
    /// All members; `paths` and the configuration are kept apart and only have their places here.
    members: Members,
    paths: IndexMap<String, Members>,
    assembly: Assembly,
    base_path: BasePath,
}

/// On whose behalf a description is read, and how.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Whose it is.
    pub(super) tenant: &'a Namespace,
    /// Where web actions are that have no URL yet, such as `https://host`.
    pub(super) origin: &'a str,
}

/// One operation to be added.
pub(super) struct NewOperation {
    pub(super) path: String,
    pub(super) verb: Verb,
    pub(super) target: Target,
    /// Where the web action is, such as `https://host`.
    pub(super) origin: String,
    /// What the web action wants to hear, if it is secured.
    pub(super) secret: Option<Arc<str>>,
    /// The descriptions of the path's parameters, as the client gave them.
    pub(super) parameters: Option<Json>,
}

/// One operation as the gateway needs it.
pub(super) struct Operation {
    pub(super) template: PathTemplate,
    pub(super) verb: Verb,
    pub(super) target: Target,
    pub(super) secret: Option<Arc<str>>,
    /// Whether the web action gets the request's path.
    pub(super) with_path: bool,
}

/// Some of an API's operations; a member that is not given selects all. A verb that is none selects nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub(super) path: Option<String>,
    /// In any case.
    pub(super) verb: Option<String>,
}

impl Selection {
    fn takes(&self, path: &str, verb: Verb) -> bool {
        self.path.as_ref().is_none_or(|wanted| wanted == path)
            && self.verb.as_ref().is_none_or(|wanted| Verb::of(wanted) == Some(verb))
    }
}

impl ApiDocument {
    /// An API without operations.
    pub(super) fn new(base_path: BasePath, title: &str) -> Self {
        let members = [
            ("swagger", Json::of("2.0")),
            ("info", Json::of(&json!({ "title": title, "version": "1.0.0" }))),
            ("basePath", Json::of(base_path.as_str())),
            ("paths", Json::empty_object()),
            (CONFIGURATION, Json::empty_object()),
        ];
        let members = members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        Self { members, paths: IndexMap::new(), assembly: Assembly::new(), base_path }
    }

    /// Reads a whole description, checks it, and adds what clients and gateways look for: the base path, a title,
    /// an id for each operation, whole names and URLs of web actions, and the configuration.
    pub(super) fn read(json: &Json, reader: Reader<'_>) -> Result<Self, ApiError> {
        let mut members = members::of(json).ok_or_else(|| malformed("is no JSON object"))?;
        check_version(&members)?;
        if let Some(key) = UNSUPPORTED.into_iter().find(|key| asks(&members, key)) {
            return Err(malformed(&format!("asks for '{key}', which this gateway does not do")));
        }
        let base_path = base_path(&members)?;
        members.insert("basePath".to_owned(), Json::of(base_path.as_str()));
        give_title(&mut members, &base_path)?;
        let assembly = members.get(CONFIGURATION).map_or_else(|| Ok(Assembly::new()), Assembly::parse)?;
        members.entry(CONFIGURATION.to_owned()).or_insert_with(Json::empty_object);
        let paths = members.get("paths").and_then(members::of).ok_or_else(|| malformed("has no 'paths'"))?;
        let mut document = Self { members, paths: IndexMap::with_capacity(paths.len()), assembly, base_path };
        let mut completion = Completion { ids: ids(&paths), missing: Vec::new() };
        for (path, item) in paths {
            let item = document.read_path(&path, &item, reader, &mut completion)?;
            document.paths.insert(path, item);
        }
        document.assembly.set(completion.missing);
        document.keep(|_, _, _| true);
        if document.is_empty() {
            return Err(malformed("has no operation"));
        }
        Ok(document)
    }

    /// Reads one path and notes what it lacks.
    fn read_path(
        &self,
        path: &str,
        item: &Json,
        reader: Reader<'_>,
        completion: &mut Completion,
    ) -> Result<Members, ApiError> {
        let template = PathTemplate::parse(path)?;
        let with_path = template.parameters().next().is_some();
        let mut item = members::of(item).ok_or_else(|| malformed(&format!("has no object at '{path}'")))?;
        for (key, operation) in &mut item {
            let Some(verb) = Verb::of(key) else { continue };
            let place = format!("{verb} {path}");
            let mut members =
                members::of(operation).ok_or_else(|| malformed(&format!("has no object at '{place}'")))?;
            if let Some(key) = UNSUPPORTED.into_iter().find(|key| asks(&members, key)) {
                return Err(malformed(&format!(
                    "asks for '{key}' at '{place}', which this gateway does not do"
                )));
            }
            let id = members::text(&members, "operationId")
                .unwrap_or_else(|| free_id(verb, path, |id| completion.ids.contains(id)));
            completion.ids.insert(id.clone());
            members.insert("operationId".to_owned(), Json::of(&id));
            let Some(extension) = members.get(EXTENSION).and_then(members::of) else {
                *operation = Json::of(&members);
                continue;
            };
            let target = Target::of_operation(&extension, self.assembly.url(&id), reader.tenant)?;
            let own = members::text(&extension, "url");
            let url = target.url(own.as_deref().and_then(origin).unwrap_or(reader.origin));
            let mut described = extension;
            described.extend(target.describe(&url));
            members.insert(EXTENSION.to_owned(), Json::of(&described));
            *operation = Json::of(&members);
            if self.assembly.url(&id).is_none() {
                let secret = self.assembly.secret(&id);
                completion.missing.push(Invocation { operation_id: id, url, with_path, secret });
            }
        }
        Ok(item)
    }

    /// What its paths begin with.
    pub(super) fn base_path(&self) -> &BasePath {
        &self.base_path
    }

    /// What people call it.
    pub(super) fn title(&self) -> Option<String> {
        members::text(&members::of(self.members.get("info")?)?, "title")
    }

    /// Whether pages of other origins may call.
    pub(super) fn allows_other_origins(&self) -> bool {
        self.assembly.allows_other_origins()
    }

    /// The description as JSON.
    pub(super) fn to_json(&self) -> Json {
        let mut members = self.members.clone();
        members.insert("paths".to_owned(), Json::of(&self.paths));
        members.insert(CONFIGURATION.to_owned(), self.assembly.to_json());
        Json::of(&members)
    }

    /// Adds an operation, or puts it in the place of the one with its path and verb.
    pub(super) fn add(&mut self, new: &NewOperation) -> Result<(), ApiError> {
        let template = PathTemplate::parse(&new.path)?;
        new.secret.as_deref().map_or(Ok(()), check_secret)?;
        let names: Vec<&str> = template.parameters().collect();
        self.remove(&Selection { path: Some(new.path.clone()), verb: Some(new.verb.as_str().to_owned()) });
        let id = free_id(new.verb, &new.path, |id| self.assembly.url(id).is_some());
        let url = new.target.url(&new.origin);
        self.assembly.set(vec![Invocation {
            operation_id: id.clone(),
            url: url.clone(),
            with_path: !names.is_empty(),
            secret: new.secret.clone(),
        }]);
        let item = self.paths.entry(new.path.clone()).or_default();
        if !names.is_empty() {
            item.insert("parameters".to_owned(), parameters(&names, new.parameters.as_ref())?);
        }
        let operation = [
            ("operationId", Json::of(&id)),
            (EXTENSION, Json::of(&new.target.describe(&url))),
            ("responses", Json::of(&json!({ "default": { "description": "Default response" } }))),
        ];
        let operation: Members = operation.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        item.insert(new.verb.as_str().to_owned(), Json::of(&operation));
        Ok(())
    }

    /// Takes operations out, and paths that have none left. Says whether there were any.
    pub(super) fn remove(&mut self, selection: &Selection) -> bool {
        let mut removed = Vec::new();
        self.keep(|path, verb, operation| {
            let taken = selection.takes(path, verb);
            if taken {
                removed.push(id_of(operation).unwrap_or_else(|| operation_id(verb, path)));
            }
            !taken
        });
        self.assembly.remove(&removed.iter().map(String::as_str).collect());
        !removed.is_empty()
    }

    /// Whether it has any of these operations.
    pub(super) fn has(&self, selection: &Selection) -> bool {
        let verbs = |item: &Members| item.keys().filter_map(|key| Verb::of(key)).collect::<Vec<_>>();
        self.paths.iter().any(|(path, item)| verbs(item).into_iter().any(|verb| selection.takes(path, verb)))
    }

    /// Whether it has no operation.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    fn keep(&mut self, mut wanted: impl FnMut(&str, Verb, &Json) -> bool) {
        self.paths.retain(|path, item| {
            item.retain(|key, operation| Verb::of(key).is_none_or(|verb| wanted(path, verb, operation)));
            item.keys().any(|key| Verb::of(key).is_some())
        });
    }

    /// All operations that lead to web actions, as the gateway needs them.
    pub(super) fn operations(&self, tenant: &Namespace) -> Result<Vec<Operation>, ApiError> {
        let mut operations = Vec::new();
        for (path, item) in &self.paths {
            let template = PathTemplate::parse(path)?;
            let with_parameters = template.parameters().next().is_some();
            for (key, operation) in item {
                let Some(verb) = Verb::of(key) else { continue };
                let id = id_of(operation).unwrap_or_else(|| operation_id(verb, path));
                let url = self.assembly.url(&id);
                let extension =
                    members::of(operation).and_then(|members| members::of(members.get(EXTENSION)?));
                let Some(extension) = extension else { continue };
                let target = Target::of_operation(&extension, url, tenant)?;
                operations.push(Operation {
                    template: template.clone(),
                    verb,
                    target,
                    secret: self.assembly.secret(&id),
                    with_path: with_parameters || url.is_some_and(|url| url.ends_with(REQUEST_PATH)),
                });
            }
        }
        Ok(operations)
    }
}

/// What a description gets that does not say everything.
struct Completion {
    /// All operations' ids.
    ids: HashSet<String>,
    /// How operations are invoked of which the configuration does not tell.
    missing: Vec<Invocation>,
}

/// The ids that a description gives its operations itself.
fn ids(paths: &Members) -> HashSet<String> {
    let items = paths.values().filter_map(members::of).flatten();
    items.filter(|(key, _)| Verb::of(key).is_some()).filter_map(|(_, operation)| id_of(&operation)).collect()
}

fn id_of(operation: &Json) -> Option<String> {
    members::text(&members::of(operation)?, "operationId")
}

/// The verb and the path's words in camel case, as clients expect it: `getItemId` of `GET /item/{id}`.
fn operation_id(verb: Verb, path: &str) -> String {
    let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut id = verb.as_str().to_owned();
    for word in path.split(|c| !of_word(c)) {
        let mut rest = word.trim_start_matches('-');
        id.push_str(&word[..word.len() - rest.len()]);
        if let Some(first) = rest.chars().next() {
            id.push(first.to_ascii_uppercase());
            rest = &rest[first.len_utf8()..];
        }
        id.push_str(&rest.to_ascii_lowercase());
    }
    id
}

/// An id that is not taken: several paths may have the same words.
fn free_id(verb: Verb, path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let id = operation_id(verb, path);
    if is_taken(&id) { format!("{}_{path}", verb.as_str()) } else { id }
}

fn check_version(members: &Members) -> Result<(), ApiError> {
    let version = |key| members::text(members, key).unwrap_or_default();
    if version("swagger") == "2.0" || version("openapi").starts_with("3.") {
        return Ok(());
    }
    Err(malformed(r#"has neither "swagger": "2.0" nor an "openapi" of version 3"#))
}

/// Whether a member is there that asks for something.
fn asks(members: &Members, key: &str) -> bool {
    members.get(key).is_some_and(|value| !matches!(value.as_str(), "null" | "[]" | "{}" | "false"))
}

/// `basePath`, or the path of the first of OpenAPI's servers.
fn base_path(members: &Members) -> Result<BasePath, ApiError> {
    if let Some(path) = members::text(members, "basePath") {
        return BasePath::parse(&path);
    }
    let servers = members.get("servers").filter(|_| members.contains_key("openapi"));
    let servers: Vec<Json> =
        servers.and_then(|list| serde_json::from_str(list.as_str()).ok()).unwrap_or_default();
    let url = servers.first().and_then(members::of).and_then(|server| members::text(&server, "url"));
    let Some(url) = url else { return Err(ApiError::malformed("swagger is missing the basePath field.")) };
    let path = origin(&url).map_or(url.as_str(), |origin| &url[origin.len()..]);
    BasePath::parse(if path.is_empty() { "/" } else { path })
}

fn give_title(members: &mut Members, base_path: &BasePath) -> Result<(), ApiError> {
    let mut info = members.get("info").and_then(members::of).ok_or_else(|| malformed("has no 'info'"))?;
    if members::text(&info, "title").is_none() {
        info.insert("title".to_owned(), Json::of(base_path.as_str()));
        members.insert("info".to_owned(), Json::of(&info));
    }
    Ok(())
}

/// What is said of a path's parameters: the client's own words where it has some.
fn parameters(names: &[&str], given: Option<&Json>) -> Result<Json, ApiError> {
    let given: Vec<Json> = match given.filter(|json| !json.is_null()) {
        Some(list) if list.kind() == JsonKind::Array => {
            serde_json::from_str(list.as_str()).unwrap_or_default()
        }
        Some(_) => return Err(ApiError::malformed("'pathParameters' is no list.")),
        None => Vec::new(),
    };
    let named = |json: &Json| Some((members::text(&members::of(json)?, "name")?, json.clone()));
    let given: HashMap<String, Json> = given.iter().filter_map(named).collect();
    let described = |name: &&str| {
        given.get(*name).cloned().unwrap_or_else(|| {
            let description = format!("Default description for '{name}'");
            Json::of(&json!({
                "name": name, "in": "path", "description": description, "required": true, "type": "string",
            }))
        })
    };
    Ok(Json::of(&names.iter().map(described).collect::<Vec<_>>()))
}

fn malformed(why: &str) -> ApiError {
    ApiError::malformed(format!("The description of the API {why}."))
}

#[cfg(test)]
mod tests;
