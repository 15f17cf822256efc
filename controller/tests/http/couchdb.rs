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
    let config = contract::servers::couchdb()?;
    let (_, host) = config.url.split_once("://").unwrap();
    let address = host.to_socket_addrs().unwrap().next().unwrap();
    let credentials = format!("{}:{}", config.user, config.password);
    let server = Client::with_credentials(address, &credentials);
    Some(Scratch { config, server })
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
