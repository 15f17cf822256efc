//! Names of namespaces and entities, and the full path of an action. Case matters.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Longer than 256 characters.
    #[error("a name has at most 256 characters, this one has {0}")]
    TooLong(usize),
    /// Empty, a forbidden character, or a blank at the end.
    #[error(
        "'{0}' is not a name: it starts with a letter, digit or underscore, goes on with those or any of '@ .&-', and does not end in a blank"
    )]
    Malformed(String),
    /// A path has to be `/NAMESPACE/NAME` or `/NAMESPACE/PACKAGE/NAME`.
    #[error("'{0}' is not a fully qualified name")]
    NotFullyQualified(String),
}

/// Checks one path segment: first `[A-Za-z0-9_]`, then also `@ .&-`, no blank at the end, at most 256.
fn check_segment(text: &str) -> Result<(), NameError> {
    if text.len() > 256 {
        return Err(NameError::TooLong(text.chars().count()));
    }
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let inner = |b: u8| word(b) || matches!(b, b'@' | b' ' | b'.' | b'&' | b'-');
    let bytes = text.as_bytes();
    let good = bytes.first().is_some_and(|b| word(*b))
        && bytes.iter().all(|b| inner(*b))
        && bytes.last().is_some_and(|b| *b != b' ');
    if good { Ok(()) } else { Err(NameError::Malformed(text.to_owned())) }
}

macro_rules! segment {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check_segment(text).map(|()| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

segment! {
    /// The last part of an entity's path, or a package's name: 1 to 256 characters.
    EntityName
}

segment! {
    /// The root of every path: a namespace belongs to one credential and holds its entities and activations.
    Namespace
}

/// Where an action lives: `NAMESPACE/NAME`, or `NAMESPACE/PACKAGE/NAME`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionPath {
    /// The owning namespace.
    pub namespace: Namespace,
    /// The package, unless the action is in the default one.
    pub package: Option<EntityName>,
    /// The action's own name.
    pub name: EntityName,
}

impl ActionPath {
    /// An action in the namespace's default package.
    #[must_use]
    pub fn in_default_package(namespace: Namespace, name: EntityName) -> Self {
        Self { namespace, package: None, name }
    }

    /// The path of the package that holds the action, unless that is the default one.
    #[must_use]
    pub fn package_path(&self) -> Option<EntityPath> {
        let package = self.package.clone()?;
        Some(EntityPath::new(self.namespace.clone(), package))
    }

    /// `NAMESPACE` or `NAMESPACE/PACKAGE`: the `namespace` member of the action's JSON.
    #[must_use]
    pub fn parent(&self) -> String {
        match &self.package {
            None => self.namespace.to_string(),
            Some(package) => format!("{}/{package}", self.namespace),
        }
    }

    /// `NAME` or `PACKAGE/NAME`: what follows the namespace.
    #[must_use]
    pub fn local(&self) -> String {
        match &self.package {
            None => self.name.to_string(),
            Some(package) => format!("{package}/{}", self.name),
        }
    }

    /// The path from its two JSON members `namespace` and `name`.
    ///
    /// # Errors
    /// When a segment is no name or there are too many of them.
    pub fn from_parent(parent: &str, name: EntityName) -> Result<Self, NameError> {
        let (namespace, package) = match parent.split_once('/') {
            None => (parent.parse()?, None),
            Some((namespace, package)) => (namespace.parse()?, Some(package.parse()?)),
        };
        Ok(Self { namespace, package, name })
    }
}

impl fmt::Display for ActionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.package {
            None => write!(f, "{}/{}", self.namespace, self.name),
            Some(package) => write!(f, "{}/{package}/{}", self.namespace, self.name),
        }
    }
}

impl fmt::Debug for ActionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ActionPath {
    type Err = NameError;

    /// Reads `NS/NAME` or `NS/PACKAGE/NAME`, with or without a leading slash.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let segments: Vec<&str> = text.split('/').filter(|s| !s.is_empty()).collect();
        match segments[..] {
            [namespace, name] => Ok(Self::in_default_package(namespace.parse()?, name.parse()?)),
            [namespace, package, name] => Ok(Self {
                namespace: namespace.parse()?,
                package: Some(package.parse()?),
                name: name.parse()?,
            }),
            _ => Err(NameError::NotFullyQualified(text.to_owned())),
        }
    }
}

/// Where a package, trigger or rule lives: `NAMESPACE/NAME`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityPath {
    /// The owning namespace.
    pub namespace: Namespace,
    /// The entity's own name.
    pub name: EntityName,
}

impl EntityPath {
    /// The path of a name in a namespace.
    #[must_use]
    pub fn new(namespace: Namespace, name: EntityName) -> Self {
        Self { namespace, name }
    }
}

impl fmt::Display for EntityPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for EntityPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for EntityPath {
    type Err = NameError;

    /// Reads `NS/NAME`, with or without a leading slash.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let segments: Vec<&str> = text.split('/').filter(|s| !s.is_empty()).collect();
        match segments[..] {
            [namespace, name] => Ok(Self { namespace: namespace.parse()?, name: name.parse()? }),
            _ => Err(NameError::NotFullyQualified(text.to_owned())),
        }
    }
}

impl Serialize for EntityPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntityPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ActionPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActionPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_blanks_and_signs_inside() {
        for good in ["a", "_", "9", "odd_a.b@c-d e", "a&b", &"x".repeat(256)] {
            assert!(good.parse::<EntityName>().is_ok(), "{good}");
        }
    }

    #[test]
    fn illegal_names_are_refused() {
        for bad in ["", " ", "-dash", "bad!name", "no*star", "end ", "hi+there", "a/b", "é", "@x", "a\n"] {
            assert!(bad.parse::<EntityName>().is_err(), "{bad:?}");
        }
        assert_eq!("x".repeat(257).parse::<EntityName>(), Err(NameError::TooLong(257)));
    }

    #[test]
    fn action_paths_read_and_print() {
        let path: ActionPath = "/ns/pkg/hello".parse().unwrap();
        assert_eq!(path.to_string(), "ns/pkg/hello");
        assert_eq!((path.parent(), path.local()), ("ns/pkg".into(), "pkg/hello".into()));
        assert_eq!("ns/hello".parse::<ActionPath>().unwrap().parent(), "ns");
        for bad in ["", "hello", "/a/b/c/d"] {
            assert!(bad.parse::<ActionPath>().is_err(), "{bad}");
        }
    }
}
