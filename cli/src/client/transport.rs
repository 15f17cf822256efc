//! The HTTP agent underneath: TLS, client certificates, time limits, proxies. Knows nothing of OpenWhisk.

use std::path::Path;
use std::time::Duration;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::{ClientConfig, ClientIdentity, Error};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Long enough for 48 MB of code over a slow line.
const BODY_TIMEOUT: Duration = Duration::from_secs(300);

/// An agent that returns every status as an answer and follows no redirect.
pub(super) fn agent(config: &ClientConfig, root: &str) -> Result<ureq::Agent, Error> {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .disable_verification(config.insecure)
        .client_cert(config.identity.as_ref().map(client_certificate).transpose()?)
        .build();
    let builder = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(config.answer_timeout))
        .timeout_recv_body(Some(BODY_TIMEOUT));
    let builder = if is_loopback(root) { builder.proxy(None) } else { builder };
    Ok(builder.build().into())
}

/// Whether the address names this machine: such requests never go through a proxy.
fn is_loopback(root: &str) -> bool {
    let uri: Option<ureq::http::Uri> = root.parse().ok();
    let host = uri.as_ref().and_then(|uri| uri.host()).unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn client_certificate(identity: &ClientIdentity) -> Result<ClientCert, Error> {
    let certificates: Vec<Certificate<'static>> = pem_items("client certificate", &identity.certificate)?
        .into_iter()
        .filter_map(
            |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None },
        )
        .collect();
    if certificates.is_empty() {
        return Err(unusable("client certificate", &identity.certificate, "it holds no PEM certificate"));
    }
    let key: PrivateKey<'static> = pem_items("client key", &identity.key)?
        .into_iter()
        .find_map(|item| if let PemItem::PrivateKey(key) = item { Some(key) } else { None })
        .ok_or_else(|| unusable("client key", &identity.key, "it holds no PEM private key"))?;
    Ok(ClientCert::new_with_certs(&certificates, key))
}

fn pem_items(what: &'static str, path: &Path) -> Result<Vec<PemItem<'static>>, Error> {
    let pem = std::fs::read(path).map_err(|source| unusable(what, path, source))?;
    parse_pem(&pem).collect::<Result<_, _>>().map_err(|source| unusable(what, path, source))
}

fn unusable(
    what: &'static str,
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Identity { what, path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for root in ["http://localhost:3233", "https://127.0.0.1", "http://[::1]:80/x"] {
            assert!(is_loopback(root), "{root}");
        }
        assert!(!is_loopback("https://localhost.example") && !is_loopback("http://10.0.0.1"));
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not PEM").unwrap();
        let identity = ClientIdentity { certificate: file.path().into(), key: file.path().into() };
        let error = client_certificate(&identity).unwrap_err();
        assert!(matches!(error, Error::Identity { what: "client certificate", .. }), "{error}");
    }
}
