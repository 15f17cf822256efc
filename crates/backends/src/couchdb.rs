//! The store of a cluster: three databases of a CouchDB server, laid out as OpenWhisk does.
//!
//! Settings, the connection and its beginnings are here; what is stored and how, in the modules below. Nothing
//! outside them knows CouchDB.

use std::fmt;
use std::sync::Arc;

use couch_rs::Client;
use couch_rs::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::{StoreError, Stores};

mod activations;
mod claims;
mod code;
mod database;
mod design;
mod document;
mod entities;
mod failure;
mod limits;
mod record;
mod rows;
mod storable;
mod subjects;

use database::{Call, Database, Server};
use failure::Failure;

const CONNECT: &str = "open its databases";

/// How to reach CouchDB. With `https`, certificates are checked against those that the system trusts, or those
/// in the file that the variable `SSL_CERT_FILE` names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CouchdbConfig {
    /// The server's URL, such as `http://couchdb:5984`; without user or password.
    pub url: String,
    /// Who connects; nobody if empty. It needs to be an administrator where databases or design documents have
    /// to be made.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// What the names of the three databases begin with: they are `<prefix>whisks`, `<prefix>activations` and
    /// `<prefix>subjects`. Lower-case letters, digits and `_$()+-`; a letter first.
    pub prefix: String,
    /// Seconds until a request that has no whole answer is given up. The largest action has to be sent in
    /// that time.
    pub timeout_seconds: u64,
}

impl Default for CouchdbConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:5984".to_owned(),
            user: String::new(),
            password: String::new(),
            prefix: "whirl_".to_owned(),
            timeout_seconds: 30,
        }
    }
}

impl fmt::Debug for CouchdbConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CouchdbConfig")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &"***")
            .field("prefix", &self.prefix)
            .field("timeout_seconds", &self.timeout_seconds)
            .finish()
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
enum SettingError {
    #[error("'url' has to be http://HOST:PORT or https://HOST:PORT, perhaps with a path")]
    Url,
    #[error("'url' must not hold a user or password: they are settings of their own")]
    Credentials,
    #[error("'prefix' has to be lower-case letters, digits and _$()+-, a letter first")]
    Prefix,
    #[error("'timeout_seconds' has to be at least 1")]
    Timeout,
    #[error("the client does not take the settings")]
    Client(#[source] couch_rs::error::CouchError),
}

impl CouchdbConfig {
    fn server(&self) -> Result<Server, SettingError> {
        let base_path = self.base_path()?;
        let first = self.prefix.bytes().next();
        let of_prefix = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9') || b"_$()+-".contains(&b);
        if first.is_some_and(|b| !b.is_ascii_lowercase()) || !self.prefix.bytes().all(of_prefix) {
            return Err(SettingError::Prefix);
        }
        if self.timeout_seconds == 0 {
            return Err(SettingError::Timeout);
        }
        let user = Some(self.user.as_str()).filter(|user| !user.is_empty());
        let password = user.map(|_| self.password.as_str());
        let client = Client::new_with_timeout(&self.url, user, password, Some(self.timeout_seconds));
        Ok(Server { client: client.map_err(SettingError::Client)?, base_path })
    }

    /// The URL's path, which the client does not keep.
    fn base_path(&self) -> Result<String, SettingError> {
        let schemes = ["http://", "https://"];
        let rest =
            schemes.iter().find_map(|scheme| self.url.strip_prefix(scheme)).ok_or(SettingError::Url)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(SettingError::Credentials);
        }
        if host.is_empty() || rest.contains(['?', '#', ' ']) {
            return Err(SettingError::Url);
        }
        Ok(match path.trim_end_matches('/') {
            "" => String::new(),
            path => format!("/{path}"),
        })
    }
}

/// Entities, activation records and subjects in CouchDB. A write has returned when a majority of the server's
/// copies have it. Integers keep their value, other numbers that of a double; how they are written may change. Numbers
/// beyond every double become the largest or smallest, and unpaired surrogates U+FFFD.
pub struct CouchdbStore {
    server: Server,
    entities: Database,
    activations: Database,
    subjects: Database,
}

impl CouchdbStore {
    /// Sees to it that the server answers and lets us in, and that the databases and their views are there.
    ///
    /// # Errors
    /// `Unavailable` when nothing answers at the address, or not now; `Refused` when a setting cannot be used,
    /// the password is wrong, or the user may not do what has to be done.
    pub async fn connect(config: &CouchdbConfig) -> Result<Arc<Self>, StoreError> {
        let server = config
            .server()
            .map_err(|error| StoreError::Refused { operation: CONNECT, source: Box::new(error) })?;
        let database = |name: &str| Database::new(&server, &format!("{}{name}", config.prefix));
        let store = Self {
            entities: database("whisks"),
            activations: database("activations"),
            subjects: database("subjects"),
            server,
        };
        store.prepare().await.map_err(|failure| failure.during(CONNECT))?;
        Ok(Arc::new(store))
    }

    /// The store as its seams.
    #[must_use]
    pub fn stores(self: &Arc<Self>) -> Stores {
        Stores {
            entities: self.clone(),
            activations: self.clone(),
            subjects: self.clone(),
            claims: self.clone(),
        }
    }

    /// Whether the server answers and lets us in.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer, `Refused` when it does not let us in.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.greet().await.map_err(|failure| failure.during("answer"))
    }

    async fn prepare(&self) -> Result<(), Failure> {
        self.greet().await?;
        let plan = [
            (&self.entities, design::OF_ENTITIES),
            (&self.activations, design::OF_ACTIVATIONS),
            (&self.subjects, design::OF_SUBJECTS),
        ];
        for (database, views) in plan {
            database.create().await?;
            design::install(database, views).await?;
        }
        Ok(())
    }

    /// Reads what the server says of itself. That takes the right password, or none.
    async fn greet(&self) -> Result<(), Failure> {
        let answer = self.server.call(Call::new(Method::GET, "")).await?;
        answer.json::<Map<String, Value>>().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(url: &str, prefix: &str) -> CouchdbConfig {
        CouchdbConfig { url: url.to_owned(), prefix: prefix.to_owned(), ..CouchdbConfig::default() }
    }

    #[test]
    fn a_path_in_the_url_is_kept() {
        for (url, path) in [
            ("http://h:1", ""),
            ("http://h:1/", ""),
            ("https://h/couch/", "/couch"),
            ("http://h/a/b", "/a/b"),
        ] {
            assert_eq!(with(url, "").server().unwrap().base_path, path, "{url}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused_and_the_password_is_not_told() {
        let secret = "the-password";
        for config in [
            with("couchdb:5984", ""),
            with("http://", ""),
            with("http://host/?x", ""),
            with("mailto:someone", ""),
            with(&format!("http://me:{secret}@host"), ""),
            with("http://host", "Upper"),
            with("http://host", "_x"),
            with("http://host", "a/b"),
            CouchdbConfig { timeout_seconds: 0, ..CouchdbConfig::default() },
        ] {
            let error = config.server().map(drop).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(secret), "{error}");
        }
        let config = CouchdbConfig { password: secret.to_owned(), ..CouchdbConfig::default() };
        assert!(!format!("{config:?}").contains(secret));
    }
}
