//! Names of container images: `[REGISTRY/][PREFIX/]NAME[:TAG][@DIGEST]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An image's name as Docker reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName {
    /// Everything before the tag: registry, prefix and name.
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// The text is no image name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the name of a container image")]
pub struct ImageNameError(String);

impl ImageName {
    /// Whether the name says nothing firmer than "the latest": such an image is pulled before use.
    #[must_use]
    pub fn is_latest(&self) -> bool {
        self.digest.is_none() && self.tag.as_deref().is_none_or(|t| t == "latest")
    }

    /// Whether it says by its contents what it is, so that it never is another one.
    #[must_use]
    pub fn has_digest(&self) -> bool {
        self.digest.is_some()
    }

    /// The registry's host, with its port, if the name says one.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        self.repository.split_once('/').map(|(registry, _)| registry).filter(|registry| is_registry(registry))
    }

    /// Whether both name the same image, where a missing tag means `latest`.
    #[must_use]
    pub fn same_image(&self, other: &Self) -> bool {
        let tag = |i: &Self| i.tag.clone().unwrap_or_else(|| "latest".into());
        self.repository == other.repository && self.digest == other.digest && tag(self) == tag(other)
    }
}

/// A path component: runs of lower-case letters and digits, joined by `.`, `_`, `__` or dashes.
fn is_component(text: &str) -> bool {
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|b| alphanumeric(b) || matches!(b, b'.' | b'_' | b'-'))
        && !text.contains("..")
        && !text.contains("___")
}

/// A registry: a host with a dot, a port, or `localhost`.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(h, p)| (h, Some(p)));
    let label = |l: &str| {
        !l.is_empty()
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    host.split('.').all(label)
        && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        && (host.contains('.') || port.is_some() || host == "localhost")
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
        && text.bytes().next().is_some_and(word)
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'_' | b'-'))
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, ImageNameError> {
        let error = || ImageNameError(text.to_owned());
        let (rest, digest) = text.split_once('@').map_or((text, None), |(r, d)| (r, Some(d)));
        let last_slash = rest.rfind('/').map_or(0, |i| i + 1);
        let (repository, tag) = match rest[last_slash..].find(':') {
            None => (rest, None),
            Some(i) => (&rest[..last_slash + i], Some(&rest[last_slash + i + 1..])),
        };
        let path = match repository.split_once('/') {
            Some((registry, path)) if is_registry(registry) => path,
            _ => repository,
        };
        let good = repository.len() <= 255
            && path.split('/').all(is_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        if !good {
            return Err(error());
        }
        Ok(Self {
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl TryFrom<String> for ImageName {
    type Error = ImageNameError;
    fn try_from(text: String) -> Result<Self, ImageNameError> {
        text.parse()
    }
}

impl From<ImageName> for String {
    fn from(name: ImageName) -> String {
        name.to_string()
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_follow_dockers_grammar() {
        for good in
            ["a", "openwhisk/action-x:nightly", "localhost/x", "reg.example:5000/a/b/c:1.0", "a__b/c-d.e"]
        {
            let name: ImageName = good.parse().unwrap();
            assert_eq!(name.to_string(), good);
        }
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        assert!(!digest.parse::<ImageName>().unwrap().is_latest());
        for bad in ["", "A", "a b", "a:", "a//b", "-a", "a/..", "a:t:t", "a@x", "reg.example:5000/", "a;rm"] {
            assert!(bad.parse::<ImageName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_registry_is_told_from_a_prefix() {
        let registry = |name: &str| name.parse::<ImageName>().unwrap().registry().map(str::to_owned);
        assert_eq!(registry("reg.example:5000/a/b:1").as_deref(), Some("reg.example:5000"));
        assert_eq!(registry("localhost/x").as_deref(), Some("localhost"));
        for without in ["a", "openwhisk/action-x:nightly"] {
            assert_eq!(registry(without), None);
        }
    }

    #[test]
    fn no_tag_means_latest() {
        let [plain, latest, other]: [ImageName; 3] =
            ["a/b", "a/b:latest", "a/b:1"].map(|t| t.parse().unwrap());
        assert!(plain.is_latest() && latest.is_latest() && !other.is_latest());
        assert!(plain.same_image(&latest) && !plain.same_image(&other));
    }
}
