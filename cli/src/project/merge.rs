//! A deployment file: inputs and annotations that differ from one deployment of a manifest to the next.

use serde_json::{Map, Value};

/// What a deployment file may set.
const SETTABLE: [&str; 2] = ["inputs", "annotations"];
/// Where in a package it may set that, besides the package itself.
const COLLECTIONS: [&str; 3] = ["actions", "sequences", "triggers"];

/// Lays the deployment's packages over the manifest's. Returns what the manifest does not have.
pub(super) fn merge(packages: &mut Map<String, Value>, deployment: &Map<String, Value>) -> Vec<String> {
    let mut unknown = Vec::new();
    for (name, overlay) in deployment {
        match packages.get_mut(name).and_then(Value::as_object_mut) {
            Some(package) => merge_package(name, package, overlay, &mut unknown),
            None => unknown.push(format!("package '{name}'")),
        }
    }
    unknown
}

fn merge_package(name: &str, package: &mut Map<String, Value>, overlay: &Value, unknown: &mut Vec<String>) {
    set(package, overlay);
    for collection in COLLECTIONS {
        let Some(overlays) = overlay.get(collection).and_then(Value::as_object) else { continue };
        for (entity, overlay) in overlays {
            let target = package.get_mut(collection).and_then(|entities| entities.get_mut(entity));
            match target.and_then(members_of) {
                Some(target) => set(target, overlay),
                None => unknown.push(format!("'{entity}' in the {collection} of package '{name}'")),
            }
        }
    }
}

fn set(target: &mut Map<String, Value>, overlay: &Value) {
    for member in SETTABLE {
        let Some(values) = overlay.get(member).and_then(Value::as_object) else { continue };
        if let Some(slot) = members_of(target.entry(member).or_insert(Value::Null)) {
            slot.extend(values.clone());
        }
    }
}

/// The members of an object; nothing at all counts as an empty one.
fn members_of(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn inputs_are_laid_over_and_strangers_are_told() {
        let mut packages =
            json!({"p": {"actions": {"a": {"inputs": {"x": 1, "y": 2}}}, "triggers": {"t": null}}});
        let deployment = json!({"p": {"inputs": {"z": 0}, "actions": {"a": {"inputs": {"y": 3}, "main": "m"},
            "gone": {}}, "triggers": {"t": {"inputs": {"c": 1}}}}, "q": {}});
        let unknown = merge(packages.as_object_mut().unwrap(), deployment.as_object().unwrap());
        assert_eq!(
            packages,
            json!({"p": {"actions": {"a": {"inputs": {"x": 1, "y": 3}}}, "triggers": {"t": {"inputs": {"c": 1}}},
                "inputs": {"z": 0}}})
        );
        assert_eq!(unknown, ["'gone' in the actions of package 'p'", "package 'q'"]);
    }
}
