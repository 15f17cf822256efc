//! Claims on idempotency keys: one row per key, which a new claim replaces once the old one has expired.

use async_trait::async_trait;
use rusqlite::Connection;
use whirl_model::{Json, Namespace, Timestamp};

use super::failure::Failure;
use super::{EmbeddedStore, document, integer};
use crate::store::{Claim, ClaimStore, Claiming, StoreError};

#[async_trait]
impl ClaimStore for EmbeddedStore {
    async fn claim(
        &self,
        namespace: &Namespace,
        key: &str,
        claim: &Claim,
        instead_of: Option<&Claim>,
    ) -> Result<Claiming, StoreError> {
        let (place, claim, instead_of) = (Place::new(namespace, key), claim.clone(), instead_of.cloned());
        let work = move |connection: &Connection| match place.read(connection)? {
            Some(old) if old.stands_against(&claim, instead_of.as_ref()) => Ok(Claiming::Taken(old)),
            _ => place.write(connection, &claim).map(|()| Claiming::Claimed),
        };
        self.writer.write("claim a key", work).await
    }

    async fn withdraw(&self, namespace: &Namespace, key: &str, claim: &Claim) -> Result<(), StoreError> {
        let (place, claim) = (Place::new(namespace, key), claim.clone());
        let work = move |connection: &Connection| match place.read(connection)? {
            Some(old) if old == claim => place.remove(connection),
            _ => Ok(()),
        };
        self.writer.write("withdraw a claim", work).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        let work = move |connection: &Connection| {
            let mut delete = connection.prepare_cached("DELETE FROM claim WHERE expires <= ?1")?;
            delete.execute([integer(now.0)])?;
            Ok(())
        };
        self.writer.write("remove expired claims", work).await
    }
}

/// Where a key's claim is.
struct Place {
    namespace: String,
    key: String,
}

impl Place {
    fn new(namespace: &Namespace, key: &str) -> Self {
        Self { namespace: namespace.to_string(), key: key.to_owned() }
    }

    fn read(&self, connection: &Connection) -> Result<Option<Claim>, Failure> {
        let sql = "SELECT document FROM claim WHERE namespace = ?1 AND key = ?2";
        let name = format!("{}/{}", self.namespace, self.key);
        document(connection, sql, (&self.namespace, &self.key), &name)
    }

    fn write(&self, connection: &Connection, claim: &Claim) -> Result<(), Failure> {
        let sql = "INSERT OR REPLACE INTO claim (namespace, key, expires, document) VALUES (?1, ?2, ?3, ?4)";
        let document = Json::of(claim);
        let values = (&self.namespace, &self.key, integer(claim.expires.0), document.as_str());
        connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    fn remove(&self, connection: &Connection) -> Result<(), Failure> {
        let sql = "DELETE FROM claim WHERE namespace = ?1 AND key = ?2";
        connection.prepare_cached(sql)?.execute((&self.namespace, &self.key))?;
        Ok(())
    }
}
