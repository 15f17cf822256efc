//! Where etcd is and how to speak to it. What is kept there is not configured.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use serde::{Deserialize, Serialize};

use crate::coordination::CoordinationError;

/// The etcd servers of a cluster.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EtcdConfig {
    /// The servers' URLs, `http://` or `https://`, separated by commas.
    pub endpoints: String,
    /// The user, if etcd asks for one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// A file with the certificates, as PEM, of the authorities that the servers' certificates are from. Needed
    /// for `https://`: the system's own authorities are not asked.
    pub ca_file: Option<PathBuf>,
    /// A file with the certificate, as PEM, that this process shows to the servers.
    pub certificate_file: Option<PathBuf>,
    /// A file with the key of that certificate, as PEM.
    pub key_file: Option<PathBuf>,
    /// How long a member may be silent before it counts as dead, in seconds. etcd does not go below its own
    /// election timeout, normally 2 s.
    pub lease_seconds: u32,
}

impl Default for EtcdConfig {
    fn default() -> Self {
        Self {
            endpoints: "http://127.0.0.1:2379".to_owned(),
            user: None,
            password: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            lease_seconds: 3,
        }
    }
}

impl fmt::Debug for EtcdConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdConfig")
            .field("endpoints", &self.endpoints)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("ca_file", &self.ca_file)
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .field("lease_seconds", &self.lease_seconds)
            .finish()
    }
}

impl EtcdConfig {
    /// The longest wait for any answer.
    const PATIENCE: Duration = Duration::from_secs(5);
    /// How often a connection is tried out. etcd ends connections that are tried more than every 5 s.
    const PING: Duration = Duration::from_secs(10);

    pub(super) fn lease(&self) -> Duration {
        Duration::from_secs(u64::from(self.lease_seconds.max(1)))
    }

    /// How long an answer may take.
    pub(super) fn patience(&self) -> Duration {
        self.lease().min(Self::PATIENCE)
    }

    pub(super) fn endpoints(&self) -> Result<Vec<&str>, CoordinationError> {
        let endpoints: Vec<_> = self.endpoints.split(',').map(str::trim).filter(|e| !e.is_empty()).collect();
        if endpoints.is_empty() {
            return Err(unusable("endpoints", "there is none"));
        }
        for endpoint in &endpoints {
            let secured = endpoint.starts_with("https://");
            if !secured && !endpoint.starts_with("http://") {
                return Err(unusable(
                    "endpoints",
                    format!("{endpoint} begins with neither http:// nor https://"),
                ));
            }
            if secured != self.ca_file.is_some() {
                return Err(unusable(
                    "endpoints",
                    "https:// needs a ca_file, and http:// has no use for one",
                ));
            }
        }
        Ok(endpoints)
    }

    pub(super) fn options(&self) -> Result<ConnectOptions, CoordinationError> {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(self.patience())
            .with_keep_alive(Self::PING, self.patience())
            .with_keep_alive_while_idle(false)
            // A server that has lost the others must not show an old cluster as the current one.
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => options = options.with_user(user, password),
            (None, None) => {}
            _ => return Err(unusable("user", "user and password come together")),
        }
        if let Some(tls) = self.tls()? {
            options = options.with_tls(tls);
        }
        Ok(options)
    }

    fn tls(&self) -> Result<Option<TlsOptions>, CoordinationError> {
        let Some(ca_file) = &self.ca_file else { return Ok(None) };
        let tls = TlsOptions::new().ca_certificate(Certificate::from_pem(read("ca_file", ca_file)?));
        match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => {
                let certificate = read("certificate_file", certificate)?;
                Ok(Some(tls.identity(Identity::from_pem(certificate, read("key_file", key)?))))
            }
            (None, None) => Ok(Some(tls)),
            _ => Err(unusable("certificate_file", "certificate_file and key_file come together")),
        }
    }
}

pub(super) fn unusable(
    setting: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> CoordinationError {
    CoordinationError::Unusable { setting, source: source.into() }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, CoordinationError> {
    std::fs::read(path).map_err(|error| unusable(setting, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_shown() {
        let config = EtcdConfig { password: Some("hunter2".to_owned()), ..EtcdConfig::default() };
        let shown = format!("{config:?}");
        assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let file = || Some(PathBuf::from("/nonexistent"));
        let right = EtcdConfig { endpoints: "http://a:1, http://b:2,".to_owned(), ..EtcdConfig::default() };
        assert_eq!(right.endpoints().unwrap(), ["http://a:1", "http://b:2"]);
        right.options().unwrap();
        for wrong in [
            EtcdConfig { endpoints: " , ".to_owned(), ..right.clone() },
            EtcdConfig { endpoints: "a:1".to_owned(), ..right.clone() },
            EtcdConfig { endpoints: "https://a:1".to_owned(), ..right.clone() },
            EtcdConfig { ca_file: file(), ..right.clone() },
            EtcdConfig { user: Some("whirl".to_owned()), ..right.clone() },
            EtcdConfig { endpoints: "https://a:1".to_owned(), ca_file: file(), ..right },
        ] {
            let refused = wrong.endpoints().and_then(|_| wrong.options()).map(drop).unwrap_err();
            assert!(matches!(refused, CoordinationError::Unusable { .. }), "{refused}");
        }
    }
}
