//! What a client has to know about its server: address, credential, TLS. Reading it from files, flags or
//! the environment is the command line's business (`settings`).

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Error, Observer};

/// The version segment of the API path unless told otherwise.
pub const DEFAULT_API_VERSION: &str = "v1";

/// How long an answer may take. A blocking invocation is answered after 60 s at the latest.
const DEFAULT_ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// Everything a [`super::Client`] is made of.
#[derive(Clone)]
pub struct ClientConfig {
    /// `HOST`, `HOST:PORT` or an `http(s)://` address, with or without a path; `https` if it names no scheme.
    pub host: String,
    /// The credential; without one, requests carry no `Authorization`.
    pub auth: Option<Auth>,
    /// The version segment of the API path.
    pub api_version: String,
    /// Whether the server's certificate goes unchecked.
    pub insecure: bool,
    /// A certificate to show to the server.
    pub identity: Option<ClientIdentity>,
    /// How long to wait for the first byte of an answer.
    pub answer_timeout: Duration,
    /// Told of every request and answer.
    pub observer: Option<Arc<dyn Observer>>,
}

impl ClientConfig {
    /// The usual settings for a host: no credential, API `v1`, certificates checked, 90 s for an answer.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            auth: None,
            api_version: DEFAULT_API_VERSION.to_owned(),
            insecure: false,
            identity: None,
            answer_timeout: DEFAULT_ANSWER_TIMEOUT,
            observer: None,
        }
    }

    /// The same with a credential.
    #[must_use]
    pub fn with_auth(self, auth: Auth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// The address without a trailing slash, with its scheme.
    pub(super) fn root(&self) -> Result<String, Error> {
        let invalid = || Error::Host { host: self.host.clone() };
        let host = self.host.trim();
        let scheme = if host.contains("://") { "" } else { "https://" };
        let root = format!("{scheme}{}", host.trim_end_matches('/'));
        let uri: ureq::http::Uri = root.parse().map_err(|_| invalid())?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        if known && uri.host().is_some_and(|h| !h.is_empty()) { Ok(root) } else { Err(invalid()) }
    }
}

/// Files of a client certificate, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate, followed by its intermediate ones if there are any.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A credential. Its debug form hides the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    scheme: Scheme,
    secret: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Basic,
    Bearer,
}

impl Auth {
    /// A namespace's credential, `uuid:key` as users write it.
    pub fn new(text: impl Into<String>) -> Self {
        Self { scheme: Scheme::Basic, secret: text.into() }
    }

    /// The key of the server's administration.
    pub fn bearer(key: impl Into<String>) -> Self {
        Self { scheme: Scheme::Bearer, secret: key.into() }
    }

    /// The credential as users write it, for those who asked to see it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.secret
    }

    /// The half of `uuid:key` that is no secret.
    #[must_use]
    pub fn uuid(&self) -> &str {
        self.secret.split_once(':').map_or("", |(uuid, _)| uuid)
    }

    /// The value of the `Authorization` header.
    pub(super) fn header(&self) -> String {
        match self.scheme {
            Scheme::Basic => format!("Basic {}", STANDARD.encode(&self.secret)),
            Scheme::Bearer => format!("Bearer {}", self.secret),
        }
    }

    /// `text` with every occurrence of the credential, its key or its header form replaced.
    pub(super) fn obscure<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let encoded = STANDARD.encode(&self.secret);
        let key = self.secret.split_once(':').map_or("", |(_, key)| key);
        [self.secret.as_str(), encoded.as_str(), key].into_iter().filter(|secret| secret.len() >= 8).fold(
            Cow::Borrowed(text),
            |text, secret| {
                if text.contains(secret) { Cow::Owned(text.replace(secret, "XXXX")) } else { text }
            },
        )
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth(XXXX)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_is_https_and_a_scheme_is_kept() {
        for (host, root) in [
            ("whirl.example", "https://whirl.example"),
            ("localhost:3233", "https://localhost:3233"),
            ("http://127.0.0.1:3233/", "http://127.0.0.1:3233"),
            ("https://edge.example/faas/", "https://edge.example/faas"),
        ] {
            assert_eq!(ClientConfig::new(host).root().unwrap(), root);
        }
        for host in ["", "ftp://x", "http://", "two words"] {
            assert!(ClientConfig::new(host).root().is_err(), "{host}");
        }
    }

    #[test]
    fn the_key_is_hidden_in_every_form() {
        let auth = Auth::new("some-uuid:secret-key");
        let text = format!("{} secret-key {}", auth.header(), auth.expose());
        assert_eq!(auth.obscure(&text), "Basic XXXX XXXX XXXX");
        assert_eq!(format!("{auth:?}"), "Auth(XXXX)");
        let admin = Auth::bearer("admin-key");
        assert_eq!((admin.header(), admin.obscure("admin-key")), ("Bearer admin-key".into(), "XXXX".into()));
    }
}
