//! What is in force: flag before environment before property file before default. Opens no connection.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::client::{Auth, Client, ClientConfig, ClientIdentity, DEFAULT_API_VERSION, Observer};
use crate::exit::Failure;
use crate::flags::GlobalFlags;
use crate::properties::{Key, Properties};

/// The environment variables of the process, as text.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The process's own; variables that are no UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable; an empty one counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where the property file is: `$WSK_CONFIG_FILE`, else `~/.wskprops`; `None` without a home.
    #[must_use]
    pub fn property_file(&self) -> Option<PathBuf> {
        let named = self.get("WSK_CONFIG_FILE").map(PathBuf::from);
        named.or_else(|| Some(std::path::Path::new(self.get("HOME")?).join(".wskprops")))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The configuration of one run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API host, if one is configured.
    pub host: Option<String>,
    /// The credential, if one is configured.
    pub auth: Option<Auth>,
    /// The version segment of the API path.
    pub api_version: String,
    /// The file of a client certificate.
    pub certificate: Option<PathBuf>,
    /// The file of its private key.
    pub private_key: Option<PathBuf>,
    /// Whether the server's certificate goes unchecked.
    pub insecure: bool,
    /// Whether to show the traffic.
    pub verbose: bool,
    /// Whether to tell what happens underneath.
    pub debug: bool,
    /// The property file read and written.
    pub property_file: Option<PathBuf>,
    /// The access token of the API gateway.
    pub gateway_token: Option<String>,
    /// The server's administration.
    pub admin: AdminSettings,
}

/// Where the server's administration is and what opens it, as far as environment and property file tell.
#[derive(Clone, Debug, Default)]
pub struct AdminSettings {
    /// Its address.
    pub host: Option<String>,
    /// Its key.
    pub key: Option<Auth>,
    /// The file that holds its key.
    pub key_file: Option<PathBuf>,
}

impl Settings {
    /// Puts the sources together.
    #[must_use]
    pub fn resolve(flags: &GlobalFlags, environment: &Environment, properties: &Properties) -> Self {
        let pick = |flag: Option<&str>, variable: Option<&str>, key: Key| {
            flag.filter(|value| !value.is_empty())
                .or_else(|| variable.and_then(|name| environment.get(name)))
                .or_else(|| properties.get(key))
                .map(str::to_owned)
        };
        let api_version = pick(flags.apiversion.as_deref(), Some("WHISK_APIVERSION"), Key::ApiVersion);
        Self {
            host: pick(flags.apihost.as_deref(), Some("WHISK_APIHOST"), Key::ApiHost),
            auth: pick(flags.auth.as_deref(), Some("WHISK_AUTH"), Key::Auth).map(Auth::new),
            api_version: api_version.unwrap_or_else(|| DEFAULT_API_VERSION.to_owned()),
            certificate: pick(flags.cert.as_deref(), None, Key::Certificate).map(PathBuf::from),
            private_key: pick(flags.key.as_deref(), None, Key::PrivateKey).map(PathBuf::from),
            insecure: flags.switches.insecure,
            verbose: flags.switches.verbose,
            debug: flags.switches.debug || environment.get("WSK_CLI_DEBUG").is_some(),
            property_file: flags.config.clone().or_else(|| environment.property_file()),
            gateway_token: properties.get(Key::GatewayToken).map(str::to_owned),
            admin: AdminSettings {
                host: pick(None, Some("WHISK_ADMINHOST"), Key::AdminHost),
                key: environment.get("WHISK_ADMINKEY").map(Auth::bearer),
                key_file: environment.get("WHISK_ADMINKEY_FILE").map(PathBuf::from),
            },
        }
    }

    /// A client for calls that need a credential.
    ///
    /// # Errors
    /// When host or credential is missing, or the client cannot be set up.
    pub fn client(&self, observer: Option<Arc<dyn Observer>>) -> Result<Client, Failure> {
        let config = self.config(observer)?;
        if config.auth.is_none() {
            return Err(Failure::usage("The authorization key is not configured (--auth is required)"));
        }
        Ok(Client::new(config)?)
    }

    /// A client for calls that need none.
    ///
    /// # Errors
    /// When the host is missing, or the client cannot be set up.
    pub fn anonymous_client(&self, observer: Option<Arc<dyn Observer>>) -> Result<Client, Failure> {
        Ok(Client::new(self.config(observer)?)?)
    }

    fn config(&self, observer: Option<Arc<dyn Observer>>) -> Result<ClientConfig, Failure> {
        let host = self
            .host
            .clone()
            .ok_or_else(|| Failure::usage("The API host is not configured (--apihost is required)"))?;
        let identity = match (&self.certificate, &self.private_key) {
            (Some(certificate), Some(key)) => {
                Some(ClientIdentity { certificate: certificate.clone(), key: key.clone() })
            }
            (None, None) => None,
            _ => return Err(Failure::usage("A client certificate needs both --cert and --key")),
        };
        Ok(ClientConfig {
            auth: self.auth.clone(),
            api_version: self.api_version.clone(),
            insecure: self.insecure,
            identity,
            observer,
            ..ClientConfig::new(host)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let properties = Properties::parse("APIHOST=file\nAUTH=file:key\nAPIVERSION=v3");
        let env =
            environment(&[("WHISK_APIHOST", "env"), ("WHISK_AUTH", "env:key"), ("WHISK_APIVERSION", "")]);
        let flags = GlobalFlags { apihost: Some("flag".into()), ..GlobalFlags::default() };
        let settings = Settings::resolve(&flags, &env, &properties);
        assert_eq!(settings.host.as_deref(), Some("flag"));
        assert_eq!(settings.auth.unwrap().expose(), "env:key");
        assert_eq!(settings.api_version, "v3");
        let bare = Settings::resolve(&GlobalFlags::default(), &environment(&[]), &Properties::default());
        assert_eq!((bare.host, bare.api_version.as_str()), (None, "v1"));
    }

    #[test]
    fn the_property_file_is_named_or_at_home() {
        assert_eq!(environment(&[("HOME", "/h")]).property_file().unwrap(), PathBuf::from("/h/.wskprops"));
        let named = environment(&[("HOME", "/h"), ("WSK_CONFIG_FILE", "/etc/props")]);
        assert_eq!(named.property_file().unwrap(), PathBuf::from("/etc/props"));
        assert_eq!(environment(&[]).property_file(), None);
    }

    #[test]
    fn a_request_needs_host_key_and_whole_certificates() {
        let refusal = |text: &str| {
            let settings =
                Settings::resolve(&GlobalFlags::default(), &environment(&[]), &Properties::parse(text));
            settings.client(None).err().map(|failure| failure.to_string()).unwrap_or_default()
        };
        assert!(refusal("AUTH=a:b").contains("API host"));
        assert!(refusal("APIHOST=h").contains("authorization key"));
        assert!(refusal("APIHOST=h\nAUTH=a:b\nCERT=c.pem").contains("--key"));
        assert_eq!(refusal("APIHOST=h\nAUTH=a:b"), "");
    }
}
