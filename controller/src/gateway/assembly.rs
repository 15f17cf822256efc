//! `x-ibm-configuration`, the part of an API's description that gateways of OpenWhisk go by: for each operation
//! what is invoked and with which secret, and whether pages of other origins may call.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use serde_json::{Map, Value, json};
use whirl_model::Json;

use super::target::REQUEST_PATH;
use crate::api_error::ApiError;

/// The header by which a secured web action knows the gateway, as descriptions call it.
const SECRET: &str = "message.headers.X-Require-Whisk-Auth";

/// Bytes that a secret may have: every operation may name the same one, and sends it in a header.
const MAX_SECRET: usize = 1024;

/// The configuration of an API. Operations are named by their `operationId`.
#[derive(Clone, Debug)]
pub(super) struct Assembly {
    members: Map<String, Value>,
    /// What the members say of each operation.
    known: HashMap<String, Known>,
}

/// How an operation's web action is invoked, as far as the gateway goes by it. Many operations may share it.
#[derive(Clone, Debug, Default)]
struct Known {
    url: Option<Arc<str>>,
    secret: Option<Arc<str>>,
}

/// How one operation's web action is to be invoked.
pub(super) struct Invocation {
    /// The operation.
    pub(super) operation_id: String,
    /// The web action's URL.
    pub(super) url: String,
    /// Whether the request's path is handed on.
    pub(super) with_path: bool,
    /// What the web action wants to hear, if it is secured.
    pub(super) secret: Option<Arc<str>>,
}

impl Invocation {
    fn into_case(self) -> (String, Known, Value) {
        let url = format!("{}{}", self.url, if self.with_path { REQUEST_PATH } else { "" });
        let mut steps = Vec::new();
        if let Some(secret) = &self.secret {
            steps.push(json!({ "set-variable": { "actions": [{ "set": SECRET, "value": &**secret }] } }));
        }
        steps.push(json!({ "invoke": { "target-url": url, "verb": "keep" } }));
        let case = json!({ "operations": [self.operation_id], "execute": steps });
        (self.operation_id, Known { url: Some(url.into()), secret: self.secret }, case)
    }
}

impl Assembly {
    /// One that invokes nothing yet, and which pages of any origin may call.
    pub(super) fn new() -> Self {
        let members = [("assembly", json!({ "execute": [] })), ("cors", json!({ "enabled": true }))];
        let members = members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        Self { members, known: HashMap::new() }
    }

    /// Reads one. Where it says nothing of other origins, their pages may call.
    pub(super) fn parse(json: &Json) -> Result<Self, ApiError> {
        let Ok(Value::Object(mut members)) = serde_json::from_str(json.as_str()) else {
            return Err(ApiError::malformed("'x-ibm-configuration' is no object, or nested too deep."));
        };
        members.entry("cors").or_insert_with(|| json!({ "enabled": true }));
        let known = known(&members);
        known.values().filter_map(|known| known.secret.as_deref()).try_for_each(check_secret)?;
        Ok(Self { known, members })
    }

    pub(super) fn to_json(&self) -> Json {
        Json::of(&self.members)
    }

    /// Whether pages of other origins may call.
    pub(super) fn allows_other_origins(&self) -> bool {
        self.members.get("cors").and_then(|cors| cors.get("enabled")) == Some(&Value::Bool(true))
    }

    /// The URL that an operation invokes.
    pub(super) fn url(&self, operation_id: &str) -> Option<&str> {
        self.known.get(operation_id)?.url.as_deref()
    }

    /// What an operation tells its web action to prove that it is the gateway.
    pub(super) fn secret(&self, operation_id: &str) -> Option<Arc<str>> {
        self.known.get(operation_id)?.secret.clone()
    }

    /// Sets how operations are invoked, in place of how they were.
    pub(super) fn set(&mut self, invocations: Vec<Invocation>) {
        self.remove(&invocations.iter().map(|invocation| invocation.operation_id.as_str()).collect());
        let (known, cases): (Vec<_>, Vec<_>) = invocations
            .into_iter()
            .map(Invocation::into_case)
            .map(|(id, known, case)| ((id, known), case))
            .unzip();
        self.known.extend(known);
        self.cases_mut().extend(cases);
    }

    /// Takes operations out.
    pub(super) fn remove(&mut self, operation_ids: &HashSet<&str>) {
        if !operation_ids.iter().any(|id| self.known.contains_key(*id)) {
            return;
        }
        self.known.retain(|id, _| !operation_ids.contains(id.as_str()));
        let switches = self.members.get_mut("assembly").and_then(|a| a.get_mut("execute")?.as_array_mut());
        for switch in switches.into_iter().flatten() {
            let cases = switch.get_mut("operation-switch").and_then(|s| s.get_mut("case")?.as_array_mut());
            let Some(cases) = cases else { continue };
            cases.retain_mut(|case| {
                let Some(of) = case.get_mut("operations").and_then(Value::as_array_mut) else { return true };
                of.retain(|id| !id.as_str().is_some_and(|id| operation_ids.contains(id)));
                !of.is_empty()
            });
        }
    }

    /// The cases of the first switch, which is made if there is none.
    fn cases_mut(&mut self) -> &mut Vec<Value> {
        let assembly = object(self.members.entry("assembly").or_insert(Value::Null));
        let execute = array(assembly.entry("execute").or_insert(Value::Null));
        let at = execute.iter().position(|step| step.get("operation-switch").is_some());
        let at = at.unwrap_or_else(|| {
            execute.push(json!({ "operation-switch": {} }));
            execute.len() - 1
        });
        let switch = object(object(&mut execute[at]).entry("operation-switch").or_insert(Value::Null));
        array(switch.entry("case").or_insert(Value::Null))
    }
}

/// What the switches say of each operation; the first that names it counts.
fn known(members: &Map<String, Value>) -> HashMap<String, Known> {
    let mut known = HashMap::new();
    let execute = members.get("assembly").and_then(|assembly| assembly.get("execute")?.as_array());
    let switches = execute.into_iter().flatten().filter_map(|step| step.get("operation-switch")?.get("case"));
    for case in switches.filter_map(Value::as_array).flatten() {
        let steps = case.get("execute").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let url = steps.iter().find_map(|step| step.get("invoke")?.get("target-url")?.as_str());
        let of = Known { url: url.map(Arc::from), secret: steps.iter().find_map(secret) };
        for id in case.get("operations").and_then(Value::as_array).into_iter().flatten() {
            if let Some(id) = id.as_str() {
                known.entry(id.to_owned()).or_insert_with(|| of.clone());
            }
        }
    }
    known
}

/// A secret has to fit into a header.
pub(super) fn check_secret(secret: &str) -> Result<(), ApiError> {
    if secret.len() <= MAX_SECRET && HeaderValue::from_str(secret).is_ok() {
        return Ok(());
    }
    let text = format!("A web action's secret is a header's value of at most {MAX_SECRET} bytes.");
    Err(ApiError::malformed(text))
}

/// The secret that a step sets.
fn secret(step: &Value) -> Option<Arc<str>> {
    let is_it = |action: &&Value| {
        action.get("set").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(SECRET))
    };
    let actions = step.get("set-variable")?.get("actions")?.as_array()?;
    match actions.iter().find(is_it)?.get("value")? {
        Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// The object that a value is, or becomes.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made one just now")
}

/// The list that a value is, or becomes.
fn array(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().expect("it was made one just now")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(operation_id: &str, secret: Option<&str>) -> Vec<Invocation> {
        vec![Invocation {
            operation_id: operation_id.to_owned(),
            url: "https://h/x.http".to_owned(),
            with_path: true,
            secret: secret.map(Arc::from),
        }]
    }

    #[test]
    fn an_operation_is_there_once() {
        let mut assembly = Assembly::new();
        assembly.set(invocation("get_/a", Some("old")));
        assembly.set(invocation("get_/b", None));
        assembly.set(invocation("get_/a", Some("s3")));
        assert_eq!(
            assembly.to_json().as_str(),
            concat!(
                r#"{"assembly":{"execute":[{"operation-switch":{"case":["#,
                r#"{"operations":["get_/b"],"execute":[{"invoke":{"target-url":"https://h/x.http$(request.path)","#,
                r#""verb":"keep"}}]},"#,
                r#"{"operations":["get_/a"],"execute":[{"set-variable":{"actions":[{"set":"#,
                r#""message.headers.X-Require-Whisk-Auth","value":"s3"}]}},"#,
                r#"{"invoke":{"target-url":"https://h/x.http$(request.path)","verb":"keep"}}]}"#,
                r#"]}}]},"cors":{"enabled":true}}"#,
            )
        );
        assert_eq!(assembly.secret("get_/a").as_deref(), Some("s3"));
        assert_eq!(assembly.secret("get_/b"), None);
        assembly.remove(&HashSet::from(["get_/a"]));
        assert_eq!((assembly.url("get_/a"), assembly.url("get_/b").is_some()), (None, true));
    }

    #[test]
    fn odd_configurations_do_no_harm() {
        for odd in [
            r#"{}"#,
            r#"{"assembly":5,"cors":"yes"}"#,
            r#"{"assembly":{"execute":[null,7,{"operation-switch":[]}]}}"#,
            r#"{"assembly":{"execute":[{"operation-switch":{"case":[3,{"operations":"x"},{"operations":["a"]}]}}]}}"#,
        ] {
            let mut assembly = Assembly::parse(&Json::parse(odd).unwrap()).unwrap();
            assert_eq!((assembly.url("a"), assembly.secret("a")), (None, None), "{odd}");
            assembly.set(invocation("a", None));
            assert!(assembly.url("a").is_some(), "{odd}");
        }
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(Assembly::parse(&Json::parse(&deep).unwrap()).is_err());
        assert!(Assembly::parse(&Json::parse("[]").unwrap()).is_err());
    }

    fn with_secret(secret: &str, operations: &[String]) -> Result<Assembly, ApiError> {
        let steps = json!([
            { "set-variable": { "actions": [{ "set": SECRET, "value": secret }] } },
            { "invoke": { "target-url": format!("https://h/{}.http", "x".repeat(100_000)) } },
        ]);
        let case = json!([{ "operations": operations, "execute": steps }]);
        let switches = json!({ "assembly": { "execute": [{ "operation-switch": { "case": case } }] } });
        Assembly::parse(&Json::of(&switches))
    }

    #[test]
    fn secrets_are_headers_of_some_bytes() {
        let parse = |secret: &str| with_secret(secret, &["a".to_owned()]);
        assert_eq!(parse(&"x".repeat(1024)).unwrap().secret("a").unwrap().len(), 1024);
        for bad in ["a\nb", &"x".repeat(1025)] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_very_many_operations_share_is_kept_once() {
        let operations: Vec<String> = (0..50_000).map(|n| n.to_string()).collect();
        let assembly = with_secret("s3", &operations).unwrap();
        let urls: HashSet<_> = operations.iter().filter_map(|id| assembly.url(id)).map(str::as_ptr).collect();
        assert_eq!(urls.len(), 1);
    }

    #[test]
    fn other_origins_may_call_unless_it_says_no() {
        let allows =
            |text: &str| Assembly::parse(&Json::parse(text).unwrap()).unwrap().allows_other_origins();
        assert!(allows("{}") && allows(r#"{"cors":{"enabled":true}}"#));
        assert!(!allows(r#"{"cors":{"enabled":false}}"#) && !allows(r#"{"cors":{}}"#));
    }
}
