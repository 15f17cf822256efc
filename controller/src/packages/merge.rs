//! What a PUT makes of a package: pure, from the body, the package that is there (if any) and the time.

use serde::{Deserialize, Serialize};
use whirl_model::{EntityName, EntityPath, Json, Namespace, Package, Parameters, Timestamp, Version};

use crate::api_error::ApiError;
use crate::body::fits;

/// The annotation that says what a binding names; no other package has it.
const BINDING: &str = "binding";

/// The body of a PUT; every member may be missing or null, others are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct PutBody {
    binding: Option<BindingBody>,
    parameters: Option<Parameters>,
    annotations: Option<Parameters>,
    version: Option<Version>,
    publish: Option<bool>,
}

/// What to bind to; that of a package which is no binding is sent back as `{}`.
#[derive(Debug, Deserialize)]
struct BindingBody {
    namespace: Option<Namespace>,
    name: Option<EntityName>,
}

/// A body whose parts are known to be allowed, each by itself.
#[derive(Debug)]
pub(super) struct Change {
    binding: Option<EntityPath>,
    parameters: Option<Parameters>,
    annotations: Option<Parameters>,
    version: Option<Version>,
    publish: Option<bool>,
}

impl PutBody {
    /// Checks everything that can be checked without looking at other entities: parameters and annotations
    /// have at most `limit` bytes each. The namespace `_` is `own`.
    pub(super) fn check(self, own: &Namespace, limit: u64) -> Result<Change, ApiError> {
        let size = |list: &Option<Parameters>| list.as_ref().map_or(0, Parameters::size);
        fits("parameters", size(&self.parameters), limit)?;
        fits("annotations", size(&self.annotations), limit)?;
        Ok(Change {
            binding: self.binding.map(|binding| binding.resolve(own)).transpose()?.flatten(),
            parameters: self.parameters,
            annotations: self.annotations,
            version: self.version,
            publish: self.publish,
        })
    }
}

impl BindingBody {
    fn resolve(self, own: &Namespace) -> Result<Option<EntityPath>, ApiError> {
        match (self.namespace, self.name) {
            (None, None) => Ok(None),
            (Some(namespace), Some(name)) => {
                let namespace = if namespace.as_str() == "_" { own.clone() } else { namespace };
                Ok(Some(EntityPath::new(namespace, name)))
            }
            _ => Err(ApiError::malformed("A binding needs 'namespace' and 'name'.")),
        }
    }
}

impl Change {
    /// What the package is to be bound to.
    pub(super) fn binding(&self) -> Option<&EntityPath> {
        self.binding.as_ref()
    }

    /// The new package that this is.
    pub(super) fn create(self, path: EntityPath, now: Timestamp) -> Package {
        Package {
            path,
            version: self.version.unwrap_or_default(),
            publish: self.publish.unwrap_or_default(),
            annotations: annotated(self.annotations.unwrap_or_default(), self.binding.as_ref()),
            binding: self.binding,
            parameters: self.parameters.unwrap_or_default(),
            updated: now,
        }
    }

    /// What this makes of the package that is there: each member that is given replaces the old one. A binding
    /// may be bound to something else, but a package cannot become a binding.
    pub(super) fn update(self, old: Package, now: Timestamp) -> Result<Package, ApiError> {
        if self.binding.is_some() && old.binding.is_none() {
            return Err(ApiError::IsNoBinding);
        }
        let binding = self.binding.or(old.binding);
        Ok(Package {
            path: old.path,
            version: self.version.unwrap_or_else(|| old.version.next_patch()),
            publish: self.publish.unwrap_or(old.publish),
            annotations: annotated(self.annotations.unwrap_or(old.annotations), binding.as_ref()),
            binding,
            parameters: self.parameters.unwrap_or(old.parameters),
            updated: now,
        })
    }
}

/// The annotations with the platform's own, if it is a binding, last.
fn annotated(mut annotations: Parameters, binding: Option<&EntityPath>) -> Parameters {
    #[derive(Serialize)]
    struct Target<'a> {
        namespace: &'a Namespace,
        name: &'a EntityName,
    }
    annotations.remove(BINDING);
    if let Some(EntityPath { namespace, name }) = binding {
        annotations.set_last(BINDING, Json::of(&Target { namespace, name }));
    }
    annotations
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    fn change(body: &str) -> Result<Change, ApiError> {
        let body: PutBody = crate::body::parse(body.as_bytes())?;
        body.check(&"alice".parse().unwrap(), 1 << 20)
    }

    fn created(body: &str) -> Package {
        change(body).unwrap().create("alice/util".parse().unwrap(), NOW)
    }

    fn updated(old: &Package, body: &str) -> Result<Package, ApiError> {
        change(body)?.update(old.clone(), Timestamp(6))
    }

    fn text(list: &Parameters) -> String {
        Json::of(list).as_str().to_owned()
    }

    #[test]
    fn what_is_given_replaces_what_was() {
        let old = created(
            r#"{"parameters":[{"key":"p","value":1}],"annotations":[{"key":"a","value":1}],"publish":true,
                "binding":{},"name":"ignored"}"#,
        );
        assert_eq!((old.version, old.publish, &old.binding), (Version::FIRST, true, &None));
        let same = updated(&old, "{}").unwrap();
        assert_eq!((same.version.to_string().as_str(), same.updated), ("0.0.2", Timestamp(6)));
        assert_eq!(Package { version: old.version, updated: NOW, ..same }, old);
        let new = updated(
            &old,
            r#"{"parameters":[{"key":"q","value":2}],"annotations":[{"key":"b","value":2}],"version":"3",
                "publish":false}"#,
        )
        .unwrap();
        assert_eq!(text(&new.parameters), r#"[{"key":"q","value":2}]"#);
        assert_eq!(text(&new.annotations), r#"[{"key":"b","value":2}]"#);
        assert_eq!((new.version.to_string().as_str(), new.publish), ("3.0.0", false));
    }

    #[test]
    fn bindings_have_an_annotation_of_the_platforms() {
        let bound = created(
            r#"{"binding":{"namespace":"_","name":"tools"},
                "annotations":[{"key":"binding","value":"mine"},{"key":"a","value":1}]}"#,
        );
        assert_eq!(bound.binding, Some("alice/tools".parse().unwrap()));
        let mark = |namespace: &str, name: &str| {
            format!(r#"{{"key":"binding","value":{{"namespace":"{namespace}","name":"{name}"}}}}"#)
        };
        assert_eq!(
            text(&bound.annotations),
            format!(r#"[{{"key":"a","value":1}},{}]"#, mark("alice", "tools"))
        );
        let moved =
            updated(&bound, r#"{"binding":{"namespace":"bob","name":"box"},"annotations":[]}"#).unwrap();
        assert_eq!(moved.binding, Some("bob/box".parse().unwrap()));
        assert_eq!(text(&moved.annotations), format!("[{}]", mark("bob", "box")));
        assert_eq!(text(&updated(&moved, "{}").unwrap().annotations), text(&moved.annotations));
        let plain = created(r#"{"annotations":[{"key":"binding","value":"mine"}]}"#);
        assert_eq!(text(&plain.annotations), "[]", "a package that is none cannot claim to be one");
    }

    #[test]
    fn a_package_does_not_become_a_binding() {
        let plain = created("{}");
        let bind = r#"{"binding":{"namespace":"bob","name":"box"}}"#;
        assert!(matches!(updated(&plain, bind), Err(ApiError::IsNoBinding)));
    }

    #[test]
    fn bodies_are_checked() {
        let long = "x".repeat(1 << 20);
        for (body, why) in [
            (format!(r#"{{"parameters":[{{"key":"k","value":"{long}"}}]}}"#), "parameters"),
            (format!(r#"{{"annotations":[{{"key":"k","value":"{long}"}}]}}"#), "annotations"),
            (r#"{"binding":{"name":"x"}}"#.into(), "needs 'namespace' and 'name'"),
            (r#"{"binding":{"namespace":"x"}}"#.into(), "needs 'namespace' and 'name'"),
            (r#"{"binding":{"namespace":"x","name":"bad!"}}"#.into(), "bad!"),
            (r#"{"binding":"x"}"#.into(), "malformed"),
            (r#"{"publish":"yes"}"#.into(), "malformed"),
            (r#"{"version":"0.0.0"}"#.into(), "malformed"),
            (r#"{"parameters":{}}"#.into(), "malformed"),
            ("[]".into(), "malformed"),
            (String::new(), "body"),
        ] {
            let error = change(&body).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
