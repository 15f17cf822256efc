//! The credentials for registries, in the file that `docker login` writes.
//!
//! Programs that keep secrets elsewhere (`credsStore`, `credHelpers`) are not asked.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde_json::{Map, Value};

/// What files call Docker Hub, and what images do that name no registry.
const DOCKER_HUB: &str = "docker.io";

/// Why a file with credentials is of no use.
#[derive(Debug, thiserror::Error)]
pub(in crate::docker) enum CredentialsError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    /// It is not what `docker login` writes.
    #[error("it is not JSON")]
    NotJson(#[from] serde_json::Error),
    /// What it has for a registry makes no sense.
    #[error("what it has for '{0}' is neither a user and a password nor a token")]
    Strange(String),
}

/// Where credentials are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::docker) enum Source {
    /// In a file that has to be there.
    Given(PathBuf),
    /// In this file, if it is there.
    Usual(PathBuf),
    /// Nowhere.
    None,
}

impl Source {
    /// The file that was named, else `config.json` in the folder that `DOCKER_CONFIG` names, else in `~/.docker`.
    pub(in crate::docker) fn find(given: Option<&Path>) -> Self {
        let folder = |variable, below: &str| {
            std::env::var_os(variable).filter(|dir| !dir.is_empty()).map(|dir| Path::new(&dir).join(below))
        };
        match given {
            Some(path) => Self::Given(path.to_owned()),
            None => folder("DOCKER_CONFIG", "config.json")
                .or_else(|| folder("HOME", ".docker/config.json"))
                .map_or(Self::None, Self::Usual),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Given(path) | Self::Usual(path) => Some(path),
            Self::None => None,
        }
    }

    /// Those for a registry, read anew each time, so that a change needs no restart.
    pub(in crate::docker) async fn for_registry(
        &self,
        registry: Option<&str>,
    ) -> Result<Option<DockerCredentials>, CredentialsError> {
        let Some(path) = self.path() else { return Ok(None) };
        match (tokio::fs::read_to_string(path).await, self) {
            (Err(error), Self::Usual(_)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            (text, _) => find(&text?, registry.unwrap_or(DOCKER_HUB)),
        }
    }
}

/// The entry for a registry in the file's text.
fn find(text: &str, registry: &str) -> Result<Option<DockerCredentials>, CredentialsError> {
    let file: Map<String, Value> = serde_json::from_str(text)?;
    let entries = file.get("auths").and_then(Value::as_object);
    let entry = entries.and_then(|entries| {
        let exact = entries.get(registry).map(|entry| (registry, entry));
        exact.or_else(|| {
            let mut others = entries.iter();
            others.find(|(key, _)| host(key) == host(registry)).map(|(key, entry)| (key.as_str(), entry))
        })
    });
    match entry {
        // What a program keeps elsewhere leaves an empty entry.
        Some((_, entry)) if entry.as_object().is_some_and(Map::is_empty) => Ok(None),
        Some((key, entry)) => credentials(key, entry).map(Some),
        None => Ok(None),
    }
}

/// The registry's host, with its port, in a key such as `https://index.docker.io/v1/`.
fn host(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_scheme, rest)| rest);
    match rest.split('/').next().unwrap_or(rest) {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        host => host,
    }
}

fn credentials(key: &str, entry: &Value) -> Result<DockerCredentials, CredentialsError> {
    let strange = || CredentialsError::Strange(key.to_owned());
    let member = |name: &str| {
        entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let pair = match (member("username"), member("password"), member("auth")) {
        (Some(user), Some(password), _) => Some((user, password)),
        (_, _, Some(auth)) => {
            let bytes = STANDARD.decode(auth.trim()).map_err(|_| strange())?;
            let text = String::from_utf8(bytes).map_err(|_| strange())?;
            let (user, password) = text.split_once(':').ok_or_else(strange)?;
            Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
        }
        _ => None,
    };
    let (username, password) = pair.unzip();
    let found = DockerCredentials {
        username,
        password,
        identitytoken: member("identitytoken"),
        registrytoken: member("registrytoken"),
        serveraddress: Some(key.to_owned()),
        ..DockerCredentials::default()
    };
    let is_useful =
        found.username.is_some() || found.identitytoken.is_some() || found.registrytoken.is_some();
    if is_useful { Ok(found) } else { Err(strange()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnM6ZWNyZXQ="},
            "registry.example:5000": {"username": "u", "password": "p"},
            "https://other.example": {"auth": "", "identitytoken": "t"},
            "elsewhere.example": {},
            "broken.example": {"auth": "bm9jb2xvbg=="}
        },
        "credsStore": "desktop"
    }"#;

    fn pair(registry: &str) -> Option<(String, String)> {
        let found = find(FILE, registry).unwrap()?;
        found.username.zip(found.password)
    }

    fn owned(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn credentials_go_to_their_registry_alone() {
        assert_eq!(pair(DOCKER_HUB), owned("hub", "s:ecret"));
        assert_eq!(pair("registry.example:5000"), owned("u", "p"));
        assert_eq!(find(FILE, "other.example").unwrap().unwrap().identitytoken.as_deref(), Some("t"));
        for stranger in ["registry.example", "registry.example:5001", "evil.registry.example:5000", "example"]
        {
            assert_eq!(find(FILE, stranger).unwrap(), None, "{stranger}");
        }
        assert_eq!(find(FILE, "elsewhere.example").unwrap(), None);
        assert!(
            matches!(find(FILE, "broken.example"), Err(CredentialsError::Strange(key)) if key == "broken.example")
        );
        assert_eq!(find("{}", DOCKER_HUB).unwrap(), None);
        assert!(find("auths", DOCKER_HUB).is_err());
    }

    #[tokio::test]
    async fn a_file_that_was_named_has_to_be_there() {
        let missing = Path::new("/no/such/file").to_owned();
        assert!(Source::Given(missing.clone()).for_registry(None).await.is_err());
        assert_eq!(Source::Usual(missing).for_registry(None).await.unwrap(), None);
        assert_eq!(Source::None.for_registry(None).await.unwrap(), None);
    }
}
