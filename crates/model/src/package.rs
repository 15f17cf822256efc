//! The package entity, which may be a binding to another one, and its JSON forms.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{DocId, EntityName, EntityPath, Json, Namespace, Parameters, Timestamp, Version};

/// A package as it is stored: a group of actions that inherit its parameters, or a binding to such a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Where it lives.
    pub path: EntityPath,
    /// Its version, raised by every change.
    pub version: Version,
    /// Whether everyone may read it and invoke what it holds.
    pub publish: bool,
    /// The package that this one binds to; `None` for one that holds actions itself.
    pub binding: Option<EntityPath>,
    /// What its actions inherit.
    pub parameters: Parameters,
    /// Notes for users, clients and the platform.
    pub annotations: Parameters,
    /// When it was last written.
    pub updated: Timestamp,
}

impl Package {
    /// The id of its document.
    #[must_use]
    pub fn doc_id(&self) -> DocId {
        DocId::from(&self.path)
    }

    /// The reply to PUT, and the document that stores keep: the members of a reply to GET but its contents.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::of(&PackageJson::of(self))
    }

    /// The reply to GET: with what the package holds, each entry `{"name", "version", "annotations"}`.
    #[must_use]
    pub fn to_json_with(&self, actions: Vec<Json>, feeds: Vec<Json>) -> Json {
        Json::of(&PackageJson { actions: Some(actions), feeds: Some(feeds), ..PackageJson::of(self) })
    }

    /// The entry in lists, where a package that is no binding has `"binding":false`.
    #[must_use]
    pub fn to_summary(&self) -> Json {
        #[derive(Serialize)]
        struct Summary<'a> {
            namespace: &'a Namespace,
            name: &'a EntityName,
            version: Version,
            publish: bool,
            annotations: &'a Parameters,
            binding: Json,
            updated: Timestamp,
        }
        let binding = Binding::of(self.binding.as_ref());
        Json::of(&Summary {
            namespace: &self.path.namespace,
            name: &self.path.name,
            version: self.version,
            publish: self.publish,
            annotations: &self.annotations,
            binding: if self.binding.is_some() { Json::of(&binding) } else { Json::of(&false) },
            updated: self.updated,
        })
    }

    /// The package of a stored document.
    ///
    /// # Errors
    /// When the document is not a package's.
    pub fn from_document(body: &Json) -> Result<Self, serde_json::Error> {
        let read: PackageJson = serde_json::from_str(body.as_str())?;
        let binding = match read.binding {
            Binding { namespace: Some(namespace), name: Some(name) } => {
                Some(EntityPath::new(namespace, name))
            }
            _ => None,
        };
        Ok(Self {
            path: EntityPath::new(read.namespace, read.name),
            version: read.version,
            publish: read.publish,
            binding,
            parameters: read.parameters,
            annotations: read.annotations,
            updated: read.updated,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PackageJson {
    namespace: Namespace,
    name: EntityName,
    version: Version,
    publish: bool,
    #[serde(default)]
    annotations: Parameters,
    #[serde(default)]
    parameters: Parameters,
    #[serde(default, deserialize_with = "false_is_none")]
    binding: Binding,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<Json>>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    feeds: Option<Vec<Json>>,
    #[serde(default)]
    updated: Timestamp,
}

impl PackageJson {
    fn of(package: &Package) -> Self {
        Self {
            namespace: package.path.namespace.clone(),
            name: package.path.name.clone(),
            version: package.version,
            publish: package.publish,
            annotations: package.annotations.clone(),
            parameters: package.parameters.clone(),
            binding: Binding::of(package.binding.as_ref()),
            actions: None,
            feeds: None,
            updated: package.updated,
        }
    }
}

/// `{}` for none.
#[derive(Default, Serialize, Deserialize)]
struct Binding {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Namespace>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<EntityName>,
}

impl Binding {
    fn of(path: Option<&EntityPath>) -> Self {
        path.map_or_else(Self::default, |path| Self {
            namespace: Some(path.namespace.clone()),
            name: Some(path.name.clone()),
        })
    }
}

/// Some documents have `false` or `null` for no binding.
fn false_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Binding, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Binding(Binding),
        Nothing(IgnoredAny),
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        Some(Written::Binding(binding)) => binding,
        Some(Written::Nothing(_)) | None => Binding::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(binding: Option<&str>) -> Package {
        Package {
            path: "alice/util".parse().unwrap(),
            version: Version::FIRST,
            publish: true,
            binding: binding.map(|path| path.parse().unwrap()),
            parameters: serde_json::from_str(r#"[{"key":"host","value":"db1"}]"#).unwrap(),
            annotations: Parameters::default(),
            updated: Timestamp(7),
        }
    }

    #[test]
    fn bindings_show_as_clients_expect() {
        assert_eq!(
            package(None).to_json().as_str(),
            r#"{"namespace":"alice","name":"util","version":"0.0.1","publish":true,"annotations":[],"parameters":[{"key":"host","value":"db1"}],"binding":{},"updated":7}"#
        );
        let with = package(None).to_json_with(vec![Json::empty_object()], Vec::new());
        assert!(with.as_str().ends_with(r#""binding":{},"actions":[{}],"feeds":[],"updated":7}"#));
        assert!(package(None).to_summary().as_str().contains(r#""binding":false"#));
        let bound = package(Some("whisk.system/utils"));
        for form in [bound.to_json(), bound.to_summary()] {
            assert!(form.as_str().contains(r#""binding":{"namespace":"whisk.system","name":"utils"}"#));
        }
    }

    #[test]
    fn documents_read_back() {
        for package in [package(None), package(Some("bob/tools"))] {
            assert_eq!(Package::from_document(&package.to_json()).unwrap(), package);
        }
        let old = r#"{"namespace":"a","name":"b","version":"0.0.1","publish":false,"binding":false}"#;
        assert_eq!(Package::from_document(&Json::parse(old).unwrap()).unwrap().binding, None);
    }
}
