//! Databases of a test's own on the CouchDB that `WHIRL_TEST_COUCHDB_URL` names.

use std::net::ToSocketAddrs;

use whirl_backends::contract;
use whirl_backends::store::Stores;
use whirl_backends::{CouchdbConfig, CouchdbStore};

use crate::client::Client;

/// The databases. They are removed when this is dropped.
pub(crate) struct Scratch {
    config: CouchdbConfig,
    server: Client,
}

/// New databases; `None` if no server is named, then the test skips itself.
pub(crate) fn scratch() -> Option<Scratch> {
    let Ok(named) = std::env::var("WHIRL_TEST_COUCHDB_URL") else {
        assert!(std::env::var_os("WHIRL_TEST_SERVERS").is_none_or(|v| v != "1"), "there is no CouchDB");
        eprintln!("skipped: WHIRL_TEST_COUCHDB_URL names no CouchDB");
        return None;
    };
    let (scheme, rest) = named.split_once("://").unwrap();
    let (credentials, host) = rest.split_once('@').unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    let address = host.trim_end_matches('/').to_socket_addrs().unwrap().next().unwrap();
    let config = CouchdbConfig {
        url: format!("{scheme}://{host}"),
        user: user.to_owned(),
        password: password.to_owned(),
        prefix: format!("test-{:016x}-", contract::random()),
        timeout_seconds: 60,
    };
    Some(Scratch { config, server: Client::with_credentials(address, credentials) })
}

impl Scratch {
    /// The stores on them.
    pub(crate) fn stores(&self) -> Stores {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(CouchdbStore::connect(&self.config)).unwrap().stores()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for database in ["whisks", "activations", "subjects"] {
            self.server.delete(&format!("/{}{database}", self.config.prefix));
        }
    }
}
