//! The real servers that tests run on, where the environment names one.

use super::random;
use crate::CouchdbConfig;

/// Databases of a random prefix, made by whoever connects, on the CouchDB that `WHIRL_TEST_COUCHDB_URL`
/// (`http://USER:PASSWORD@HOST:PORT`) names. `None` if it is unset; then a test skips itself.
///
/// # Panics
/// When it is unset though `WHIRL_TEST_SERVERS` is 1, or has another form.
#[must_use]
#[expect(clippy::print_stderr, reason = "a test that skips itself says so")]
pub fn couchdb() -> Option<CouchdbConfig> {
    let Ok(named) = std::env::var("WHIRL_TEST_COUCHDB_URL") else {
        assert!(std::env::var_os("WHIRL_TEST_SERVERS").is_none_or(|v| v != "1"), "there is no CouchDB");
        eprintln!("skipped: WHIRL_TEST_COUCHDB_URL names no CouchDB");
        return None;
    };
    let parts = named.split_once("://").and_then(|(scheme, rest)| {
        let (credentials, host) = rest.split_once('@')?;
        Some((scheme, credentials.split_once(':')?, host.trim_end_matches('/')))
    });
    let (scheme, (user, password), host) = parts.expect("http://USER:PASSWORD@HOST:PORT");
    Some(CouchdbConfig {
        url: format!("{scheme}://{host}"),
        user: user.to_owned(),
        password: password.to_owned(),
        prefix: format!("test-{:016x}-", random()),
        timeout_seconds: 60,
    })
}
