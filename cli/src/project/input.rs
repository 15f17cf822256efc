//! The `inputs` of a manifest: plain values, or descriptions with `type`, `value` and `default`.

use indexmap::IndexMap;
use serde_json::{Value, json};
use whirl_model::Json;

use super::manifest::Values;
use crate::client::KeyValue;

/// The members that a description may have.
const DESCRIBING: [&str; 8] =
    ["type", "value", "default", "description", "required", "status", "schema", "multiple"];

/// Parameters out of inputs; those without any value are left out.
pub(super) fn parameters(inputs: &Values) -> IndexMap<String, Json> {
    let given = inputs.iter().filter_map(|(key, input)| Some((key.clone(), Json::of(&value(input)?))));
    given.collect()
}

/// Pairs out of inputs; `None` if there are none.
pub(super) fn pairs(inputs: &Values) -> Option<Vec<KeyValue>> {
    let pairs: Vec<_> =
        parameters(inputs).into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    (!pairs.is_empty()).then_some(pairs)
}

/// Pairs out of annotations, whose values are always plain.
pub(super) fn annotations(values: &Values) -> Vec<KeyValue> {
    values.iter().map(|(key, value)| KeyValue::new(key, Json::of(value))).collect()
}

fn value(input: &Value) -> Option<Value> {
    match input {
        Value::Object(members) if is_description(input) => {
            let sort = members.get("type").and_then(Value::as_str);
            let given = members.get("value").filter(|value| !is_blank(value));
            let given = given.or_else(|| members.get("default")).or_else(|| members.get("value"));
            match (given, sort) {
                (Some(given), sort) => Some(typed(given, sort)),
                (None, Some(sort)) => blank(sort),
                (None, None) => None,
            }
        }
        // The name of a type alone stands for that type's blank value.
        Value::String(sort) => Some(blank(sort).unwrap_or_else(|| input.clone())),
        plain => Some(plain.clone()),
    }
}

fn is_description(input: &Value) -> bool {
    let Some(members) = input.as_object() else { return false };
    (members.contains_key("type") || members.contains_key("value"))
        && members.keys().all(|key| DESCRIBING.contains(&key.as_str()))
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// A text that an environment variable gave, as the type that the manifest declares. What does not read as
/// that type stays as it is.
fn typed(value: &Value, sort: Option<&str>) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    match sort {
        Some("integer" | "number" | "float" | "boolean" | "json" | "object" | "array") => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        _ => value.clone(),
    }
}

fn blank(sort: &str) -> Option<Value> {
    Some(match sort {
        "string" => json!(""),
        "integer" => json!(0),
        "float" | "number" => json!(0.0),
        "boolean" => json!(false),
        "json" | "object" => json!({}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: Value) -> String {
        let inputs: Values = [("k".to_owned(), input)].into_iter().collect();
        parameters(&inputs).into_values().map(|value| value.as_str().to_owned()).collect()
    }

    #[test]
    fn inputs_are_plain_or_described() {
        assert_eq!(read(json!("Ada")), r#""Ada""#);
        assert_eq!(read(json!({"type": "string", "value": "London"})), r#""London""#);
        assert_eq!(read(json!({"type": "integer", "value": "7"})), "7");
        assert_eq!(read(json!({"type": "json", "value": "{\"a\": 1}"})), r#"{"a":1}"#);
        assert_eq!(read(json!({"value": "", "default": "d"})), r#""d""#);
        assert_eq!(read(json!({"value": 1, "host": "h"})), r#"{"value":1,"host":"h"}"#);
    }

    #[test]
    fn types_without_a_value_are_blank() {
        assert_eq!(read(json!("integer")), "0");
        assert_eq!(read(json!({"type": "boolean", "description": "d"})), "false");
        assert_eq!(read(json!({"type": "string", "value": ""})), r#""""#);
    }
}
