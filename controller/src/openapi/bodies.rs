//! What each operation takes and gives, by the names in `schemas.json`: one line an operation. Pure.

use serde_json::{Map, Value, json};

/// What an answer of 200 or 202 holds, or a request.
#[derive(Clone, Copy)]
enum Body {
    /// Nothing that JSON describes.
    None,
    /// One.
    One(&'static str),
    /// An array.
    List(&'static str),
}

use Body::{List, None, One};

/// Method, path, what it takes, what it gives when it succeeds.
const OPERATIONS: &[(&str, &str, Body, Body)] = &[
    ("get", "/", None, One("Anything")),
    ("get", "/ping", None, None),
    ("get", "/api/v1", None, One("Anything")),
    ("get", "/api/v1/openapi.json", None, One("Anything")),
    ("get", "/api/v1/api-docs", None, One("Anything")),
    ("get", "/api/v1/namespaces", None, One("Namespaces")),
    ("get", "/api/v1/namespaces/{namespace}/limits", None, One("NamespaceLimits")),
    ("get", "/api/v1/namespaces/{namespace}/contents", None, One("Contents")),
    ("get", "/api/v1/namespaces/{namespace}/actions", None, List("ActionMeta")),
    ("get", "/api/v1/namespaces/{namespace}/actions/{package}/", None, List("ActionMeta")),
    ("get", "/api/v1/namespaces/{namespace}/actions/{name}", None, One("Action")),
    ("put", "/api/v1/namespaces/{namespace}/actions/{name}", One("ActionPut"), One("Action")),
    ("delete", "/api/v1/namespaces/{namespace}/actions/{name}", None, One("Action")),
    ("post", "/api/v1/namespaces/{namespace}/actions/{name}", One("Arguments"), One("Activation")),
    ("get", "/api/v1/namespaces/{namespace}/packages", None, List("PackageMeta")),
    ("get", "/api/v1/namespaces/{namespace}/packages/{name}", None, One("Package")),
    ("put", "/api/v1/namespaces/{namespace}/packages/{name}", One("PackagePut"), One("Package")),
    ("delete", "/api/v1/namespaces/{namespace}/packages/{name}", None, One("Package")),
    ("get", "/api/v1/namespaces/{namespace}/triggers", None, List("TriggerMeta")),
    ("get", "/api/v1/namespaces/{namespace}/triggers/{name}", None, One("Trigger")),
    ("put", "/api/v1/namespaces/{namespace}/triggers/{name}", One("TriggerPut"), One("Trigger")),
    ("delete", "/api/v1/namespaces/{namespace}/triggers/{name}", None, One("Trigger")),
    ("post", "/api/v1/namespaces/{namespace}/triggers/{name}", One("Arguments"), One("ActivationId")),
    ("get", "/api/v1/namespaces/{namespace}/rules", None, List("RuleMeta")),
    ("get", "/api/v1/namespaces/{namespace}/rules/{name}", None, One("Rule")),
    ("put", "/api/v1/namespaces/{namespace}/rules/{name}", One("RulePut"), One("Rule")),
    ("delete", "/api/v1/namespaces/{namespace}/rules/{name}", None, One("Rule")),
    ("post", "/api/v1/namespaces/{namespace}/rules/{name}", One("RuleStatus"), None),
    ("get", "/api/v1/namespaces/{namespace}/activations", None, List("ActivationMeta")),
    ("get", "/api/v1/namespaces/{namespace}/activations/{id}", None, One("Activation")),
    ("get", "/api/v1/namespaces/{namespace}/activations/{id}/logs", None, One("ActivationLogs")),
    ("get", "/api/v1/namespaces/{namespace}/activations/{id}/result", None, One("ActivationResponse")),
    ("get", "/api/v1/namespaces/{namespace}/activations/{id}/state", None, One("ActivationState")),
    ("post", "/api/v1/web/whisk.system/apimgmt/createApi", One("ApiCreate"), One("Api")),
    ("get", "/api/v1/web/whisk.system/apimgmt/getApi", None, One("Apis")),
    ("delete", "/api/v1/web/whisk.system/apimgmt/deleteApi", None, One("Anything")),
];

/// Puts the bodies into an OpenAPI document. Operations that take and give what is not JSON have none.
pub(super) fn attach(openapi: &mut Value) {
    for (method, path, takes, gives) in OPERATIONS {
        let Some(operation) = openapi["paths"]
            .get_mut(*path)
            .and_then(|item| item.get_mut(*method))
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        if let Some(content) = content(*takes) {
            operation.insert(
                "requestBody".to_owned(),
                json!({ "required": *method == "put", "content": content }),
            );
        }
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        for (status, response) in responses.iter_mut() {
            let gives = match status.as_str() {
                "200" => *gives,
                "202" => One("ActivationId"),
                "500" | "502" if *method == "post" => *gives,
                _ => None,
            };
            if let Some(content) = content(gives) {
                response["content"] = content;
            }
        }
    }
}

fn content(body: Body) -> Option<Value> {
    let reference = |name| json!({ "$ref": format!("#/components/schemas/{name}") });
    let schema = match body {
        None => return Option::None,
        One(name) => reference(name),
        List(name) => json!({ "type": "array", "items": reference(name) }),
    };
    let media = Map::from_iter([("application/json".to_owned(), json!({ "schema": schema }))]);
    Some(media.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_is_an_operation_and_every_schema_is_used() {
        let document = super::super::described();
        for (method, path, ..) in OPERATIONS {
            assert!(document["paths"][path][method].is_object(), "{method} {path} is not described");
        }
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let unused: BTreeSet<&String> =
            schemas.keys().filter(|name| !text.contains(&format!("/schemas/{name}\""))).collect();
        assert!(unused.is_subset(&["Count".to_owned(), "Error".to_owned()].iter().collect()), "{unused:?}");
    }
}
