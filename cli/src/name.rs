//! Names as users type them: `NAME`, `PACKAGE/NAME`, `/NAMESPACE/NAME`, `/NAMESPACE/PACKAGE/NAME`. Only their
//! shape is judged here; which characters are legal is the server's word.

use std::fmt;
use std::str::FromStr;

/// The namespace of the credential.
pub const OWN_NAMESPACE: &str = "_";

/// A text that cannot be the name of anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, too deep, or a namespace where an entity is due.
    #[error("'{0}' is not a valid name; use NAME, PACKAGE/NAME, /NAMESPACE/NAME or /NAMESPACE/PACKAGE/NAME")]
    Entity(String),
    /// Empty, too deep, or in a package, where packages have no place.
    #[error("'{0}' is not a valid name; use NAME or /NAMESPACE/NAME")]
    Plain(String),
    /// Too deep for a place to list.
    #[error("'{0}' is not a valid place; use PACKAGE, /NAMESPACE or /NAMESPACE/PACKAGE")]
    Place(String),
    /// Empty or too deep for a namespace.
    #[error("'{0}' is not a valid namespace; use /NAMESPACE")]
    Namespace(String),
}

/// The name of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QualifiedName {
    /// The namespace; `_` unless the name gives one.
    pub namespace: String,
    /// The package, unless it is the default one.
    pub package: Option<String>,
    /// The entity's own name.
    pub entity: String,
}

impl QualifiedName {
    /// `NAME` or `PACKAGE/NAME`.
    #[must_use]
    pub fn local(&self) -> String {
        match &self.package {
            Some(package) => format!("{package}/{}", self.entity),
            None => self.entity.clone(),
        }
    }
}

impl fmt::Display for QualifiedName {
    /// `/NAMESPACE/NAME` or `/NAMESPACE/PACKAGE/NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.namespace, self.local())
    }
}

impl FromStr for QualifiedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let segments: Vec<&str> = text.strip_prefix('/').unwrap_or(text).split('/').collect();
        if segments.contains(&"") {
            return Err(NameError::Entity(text.to_owned()));
        }
        let name = |namespace: &str, package: Option<&str>, entity: &str| Self {
            namespace: namespace.to_owned(),
            package: package.map(str::to_owned),
            entity: entity.to_owned(),
        };
        match (text.starts_with('/'), &segments[..]) {
            (false, [entity]) => Ok(name(OWN_NAMESPACE, None, entity)),
            (false, [package, entity]) => Ok(name(OWN_NAMESPACE, Some(package), entity)),
            (true, [namespace, entity]) => Ok(name(namespace, None, entity)),
            (_, [namespace, package, entity]) => Ok(name(namespace, Some(package), entity)),
            _ => Err(NameError::Entity(text.to_owned())),
        }
    }
}

/// The name of what lies in no package: a package itself, a trigger, a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlainName {
    /// The namespace; `_` unless the name gives one.
    pub namespace: String,
    /// The entity's own name.
    pub entity: String,
}

impl PlainName {
    /// A name in the credential's own namespace.
    #[must_use]
    pub fn own(entity: &str) -> Self {
        Self { namespace: OWN_NAMESPACE.to_owned(), entity: entity.to_owned() }
    }
}

impl fmt::Display for PlainName {
    /// `/NAMESPACE/NAME`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.namespace, self.entity)
    }
}

impl FromStr for PlainName {
    type Err = NameError;

    /// `NAME` or `/NAMESPACE/NAME`.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let segments: Vec<&str> = text.strip_prefix('/').unwrap_or(text).split('/').collect();
        match (text.starts_with('/'), &segments[..]) {
            _ if segments.contains(&"") => Err(NameError::Plain(text.to_owned())),
            (false, [entity]) => Ok(Self::own(entity)),
            (true, [namespace, entity]) => {
                Ok(Self { namespace: (*namespace).to_owned(), entity: (*entity).to_owned() })
            }
            _ => Err(NameError::Plain(text.to_owned())),
        }
    }
}

/// What a list command lists: a namespace, or one package of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The namespace; `_` unless one is given.
    pub namespace: String,
    /// The package, if the list is confined to one.
    pub package: Option<String>,
}

impl Default for Place {
    fn default() -> Self {
        Self { namespace: OWN_NAMESPACE.to_owned(), package: None }
    }
}

impl Place {
    /// The namespace for readers: `default` for the credential's own.
    #[must_use]
    pub fn readable_namespace(&self) -> &str {
        if self.namespace == OWN_NAMESPACE { "default" } else { &self.namespace }
    }
}

impl FromStr for Place {
    type Err = NameError;

    /// `PACKAGE`, `/NAMESPACE`, `/NAMESPACE/PACKAGE` or `NAMESPACE/PACKAGE`; one slash at the end is ignored.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let bare = text.strip_suffix('/').unwrap_or(text);
        let segments: Vec<&str> = bare.strip_prefix('/').unwrap_or(bare).split('/').collect();
        let place = |namespace: &str, package: Option<&str>| Self {
            namespace: namespace.to_owned(),
            package: package.map(str::to_owned),
        };
        match (bare.starts_with('/'), &segments[..]) {
            _ if segments.contains(&"") => Err(NameError::Place(text.to_owned())),
            (false, [package]) => Ok(place(OWN_NAMESPACE, Some(package))),
            (true, [namespace]) => Ok(place(namespace, None)),
            (_, [namespace, package]) => Ok(place(namespace, Some(package))),
            _ => Err(NameError::Place(text.to_owned())),
        }
    }
}

/// A namespace, written `NS` or `/NS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceName(pub String);

impl FromStr for NamespaceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = text.trim_matches('/');
        let good = !name.is_empty() && !name.contains('/');
        if good { Ok(Self(name.to_owned())) } else { Err(NameError::Namespace(text.to_owned())) }
    }
}

/// Whose activations to list: all of a namespace, or those of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationFilter {
    /// The namespace; `_` unless one is given.
    pub namespace: String,
    /// `NAME` or `PACKAGE/NAME`.
    pub entity: Option<String>,
}

impl Default for ActivationFilter {
    fn default() -> Self {
        Self { namespace: OWN_NAMESPACE.to_owned(), entity: None }
    }
}

impl FromStr for ActivationFilter {
    type Err = NameError;

    /// `/NAMESPACE`, or the name of an entity.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix('/') {
            Some(namespace) if !namespace.is_empty() && !namespace.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), entity: None })
            }
            _ => {
                let name: QualifiedName = text.parse()?;
                Ok(Self { entity: Some(name.local()), namespace: name.namespace })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_names_take_four_forms() {
        for (text, qualified) in [
            ("hello", "/_/hello"),
            ("util/hello", "/_/util/hello"),
            ("/ns/hello", "/ns/hello"),
            ("/ns/util/hello", "/ns/util/hello"),
            ("ns/util/hello", "/ns/util/hello"),
            ("odd a.b@c-d e", "/_/odd a.b@c-d e"),
            ("/_/-dash", "/_/-dash"),
        ] {
            assert_eq!(text.parse::<QualifiedName>().unwrap().to_string(), qualified);
        }
        for bad in ["", "/", "/ns", "//x", "a//b", "a/", "/a/b/c/d"] {
            assert!(bad.parse::<QualifiedName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn packages_triggers_and_rules_lie_in_no_package() {
        assert_eq!("tick".parse::<PlainName>().unwrap().to_string(), "/_/tick");
        assert_eq!("/ns/tick".parse::<PlainName>().unwrap().to_string(), "/ns/tick");
        for bad in ["", "/", "/ns", "p/tick", "/ns/p/tick", "/ns//"] {
            assert!(bad.parse::<PlainName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_is_a_namespace_or_a_package() {
        let place = |text: &str| text.parse::<Place>().map(|p| (p.namespace, p.package));
        assert_eq!(place("/ns").unwrap(), ("ns".into(), None));
        assert_eq!(place("/ns/").unwrap(), ("ns".into(), None));
        assert_eq!(place("util").unwrap(), ("_".into(), Some("util".into())));
        assert_eq!(place("/ns/util/").unwrap(), ("ns".into(), Some("util".into())));
        assert!(place("/a/b/c").is_err() && place("").is_err() && place("/").is_err());
    }

    #[test]
    fn a_namespace_may_have_its_slash() {
        assert_eq!("/ns".parse(), Ok(NamespaceName("ns".into())));
        assert_eq!("ns".parse(), Ok(NamespaceName("ns".into())));
        assert!("/ns/x".parse::<NamespaceName>().is_err() && "/".parse::<NamespaceName>().is_err());
    }

    #[test]
    fn activations_are_filtered_by_namespace_or_entity() {
        let filter = |text: &str| text.parse::<ActivationFilter>().map(|f| (f.namespace, f.entity));
        assert_eq!(filter("/ns").unwrap(), ("ns".into(), None));
        assert_eq!(filter("util/hello").unwrap(), ("_".into(), Some("util/hello".into())));
        assert_eq!(filter("/ns/hello").unwrap(), ("ns".into(), Some("hello".into())));
    }
}
