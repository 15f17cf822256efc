//! Where actions find the API: the setting `api_host`, taken apart.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use actix_web::http::Uri;

/// The API's port where nothing else is said.
const DEFAULT_PORT: u16 = 3233;

/// Why the setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ApiHostError {
    /// It is no such URL.
    #[error("api_host is '{0}', but has to be a URL such as http://10.0.0.1:3233 or https://api.example.org")]
    Malformed(String),
    /// Its host has no address.
    #[error("the host of api_host '{text}' has no address")]
    Unknown {
        /// The setting.
        text: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The API's URL: scheme, host, and port or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiHost {
    text: String,
    host: String,
    port: u16,
}

impl FromStr for ApiHost {
    type Err = ApiHostError;

    fn from_str(text: &str) -> Result<Self, ApiHostError> {
        let malformed = || ApiHostError::Malformed(text.to_owned());
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let default = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(malformed()),
        };
        let host = uri.host().filter(|host| !host.is_empty() && uri.path() == "/").ok_or_else(malformed)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { text: text.to_owned(), host, port: uri.port_u16().unwrap_or(default) })
    }
}

impl ApiHost {
    /// The addresses that its host has now, with its port.
    pub(super) async fn addresses(&self) -> Result<Vec<SocketAddr>, ApiHostError> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let unknown = |source| ApiHostError::Unknown { text: self.text.clone(), source };
        Ok(found.map_err(unknown)?.collect())
    }
}

impl fmt::Display for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The port that actions may reach at this host's address on their network: none where the API is at addresses that
/// are opened by themselves, be they of this host or not.
pub(super) fn port_of_this_host(given: Option<&ApiHost>) -> Option<u16> {
    given.is_none().then_some(DEFAULT_PORT)
}

/// The API of a controller on this host, as containers see it.
pub(super) fn of_this_host(gateway: Option<IpAddr>) -> String {
    let address = gateway.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    format!("http://{}", SocketAddr::new(address, DEFAULT_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let parse =
            |text: &str| text.parse::<ApiHost>().map(|api| (api.to_string(), api.host, api.port)).ok();
        let some = |text: &str, host: &str, port| Some((text.to_owned(), host.to_owned(), port));
        assert_eq!(parse("http://10.0.0.1:3233/"), some("http://10.0.0.1:3233", "10.0.0.1", 3233));
        assert_eq!(parse("https://api.example.org"), some("https://api.example.org", "api.example.org", 443));
        assert_eq!(parse("http://[::1]:80"), some("http://[::1]:80", "::1", 80));
        for bad in ["", "10.0.0.1", "ftp://x", "http://", "http://x/path", "localhost:3233"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_api_that_is_named_opens_no_port_of_this_host() {
        let api: ApiHost = "https://api.example.org".parse().unwrap();
        assert_eq!((port_of_this_host(None), port_of_this_host(Some(&api))), (Some(3233), None));
    }

    #[tokio::test]
    async fn addresses_carry_the_port() {
        let api: ApiHost = "http://127.0.0.1:9".parse().unwrap();
        assert_eq!(api.addresses().await.unwrap(), ["127.0.0.1:9".parse().unwrap()]);
    }
}
