//! The API's description as Swagger 2.0, which OpenWhisk's clients ask for: made from the OpenAPI one, of which
//! it says what can be said in 2.0. Pure.

use serde_json::{Map, Value, json};

/// What all its paths lie below.
const BASE: &str = "/api/v1";
/// Members of an OpenAPI parameter's schema that stand beside its name in 2.0.
const OF_SCHEMA: [&str; 8] =
    ["type", "format", "enum", "default", "minimum", "maximum", "items", "additionalProperties"];

/// The Swagger 2.0 document of an OpenAPI one: its operations below `/api/v1`.
pub(crate) fn of_openapi(openapi: &Value) -> Value {
    let mut definitions = openapi["components"]["schemas"].clone();
    simplify(&mut definitions);
    let paths: Map<String, Value> = members(&openapi["paths"])
        .filter_map(|(path, operations)| {
            let rest = path.strip_prefix(BASE).filter(|rest| rest.starts_with('/'))?;
            Some((rest.to_owned(), path_item(operations)))
        })
        .collect();
    json!({
        "swagger": "2.0",
        "info": openapi["info"],
        "basePath": BASE,
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"basicAuth": {"type": "basic"}},
        "security": [{"basicAuth": []}],
        "paths": paths,
        "definitions": definitions,
    })
}

/// The Swagger 2.0 document of what an OpenAPI one has outside `/api/v1`.
pub(crate) fn of_host(openapi: &Value) -> Value {
    let outside = |path: &str| !path.starts_with(BASE);
    let paths: Map<String, Value> = members(&openapi["paths"])
        .filter(|(path, _)| outside(path))
        .map(|(path, operations)| (path.clone(), path_item(operations)))
        .collect();
    let mut definitions = json!({ "Anything": openapi["components"]["schemas"]["Anything"] });
    simplify(&mut definitions);
    json!({
        "swagger": "2.0",
        "info": openapi["info"],
        "basePath": "/",
        "produces": ["application/json"],
        "paths": paths,
        "definitions": definitions,
    })
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn path_item(operations: &Value) -> Value {
    members(operations).map(|(method, operation)| (method.clone(), of_operation(operation))).collect()
}

fn of_operation(operation: &Value) -> Value {
    let mut parameters: Vec<Value> =
        operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
    if let Some(body) = operation.get("requestBody") {
        let schema = schema_of_content(body).unwrap_or_else(|| json!({}));
        let required = body["required"].as_bool().unwrap_or_default();
        parameters.push(json!({"name": "body", "in": "body", "required": required, "schema": schema}));
    }
    let mut swagger = Map::new();
    for key in ["tags", "summary", "description", "operationId", "deprecated", "security"] {
        if let Some(value) = operation.get(key) {
            swagger.insert(key.to_owned(), value.clone());
        }
    }
    swagger.insert("parameters".to_owned(), parameters.into());
    swagger.insert("responses".to_owned(), members(&operation["responses"]).map(response).collect());
    swagger.into()
}

fn parameter(parameter: &Value) -> Value {
    let mut schema = parameter["schema"].clone();
    simplify(&mut schema);
    let mut flat = Map::new();
    for key in ["name", "in", "description", "required"] {
        if let Some(value) = parameter.get(key) {
            flat.insert(key.to_owned(), value.clone());
        }
    }
    flat.insert("type".to_owned(), json!("string"));
    flat.extend(members(&schema).filter(|(key, _)| OF_SCHEMA.contains(&key.as_str())).map(owned));
    flat.into()
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn response((status, response): (&String, &Value)) -> (String, Value) {
    let mut swagger = Map::from_iter([("description".to_owned(), response["description"].clone())]);
    if let Some(schema) = schema_of_content(response) {
        swagger.insert("schema".to_owned(), schema);
    }
    (status.clone(), swagger.into())
}

/// The schema of a body, whatever its media type.
fn schema_of_content(holder: &Value) -> Option<Value> {
    let (_, media) = members(holder.get("content")?).next()?;
    let mut schema = media.get("schema")?.clone();
    simplify(&mut schema);
    Some(schema)
}

/// Turns a schema of JSON Schema 2020-12 into one of 2.0: references go elsewhere, a type is one word, and what
/// has no word is anything.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(simplify),
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/definitions/");
            }
            if let Some(Value::Array(types)) = object.get("type") {
                let named = types.iter().find(|name| *name != "null").cloned();
                object.insert("type".to_owned(), named.unwrap_or_else(|| json!("string")));
            }
            for key in ["oneOf", "anyOf", "const", "propertyNames", "examples"] {
                object.shift_remove(key);
            }
            object.values_mut().for_each(simplify);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_said_in_the_words_of_2_0() {
        let openapi = json!({
            "openapi": "3.1.0",
            "info": {"title": "T", "version": "1"},
            "paths": {
                "/ping": {"get": {"responses": {"200": {"description": "pong"}}}},
                "/api/v1/namespaces/{namespace}/x": {"put": {
                    "tags": ["x"],
                    "parameters": [{"name": "limit", "in": "query", "required": false,
                        "schema": {"type": ["integer", "null"], "maximum": 200}}],
                    "requestBody": {"required": true, "content": {"application/json":
                        {"schema": {"$ref": "#/components/schemas/X"}}}},
                    "responses": {"200": {"description": "x", "content": {"application/json":
                        {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/X"}}}}}},
                }},
            },
            "components": {"schemas": {"X": {"oneOf": [{"type": "string"}], "description": "x"}}},
        });
        let swagger = of_openapi(&openapi);
        let put = &swagger["paths"]["/namespaces/{namespace}/x"]["put"];
        assert_eq!(
            put["parameters"],
            json!([
                {"name": "limit", "in": "query", "required": false, "type": "integer", "maximum": 200},
                {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/X"}},
            ])
        );
        assert_eq!(
            put["responses"]["200"],
            json!({"description": "x", "schema": {"type": "array", "items": {"$ref": "#/definitions/X"}}})
        );
        assert_eq!(swagger["definitions"], json!({"X": {"description": "x"}}));
        assert!(swagger["paths"].get("/ping").is_none() && swagger["swagger"] == "2.0");
    }
}
