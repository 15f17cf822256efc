//! Claims on idempotency keys: documents `whirl.claim/NAMESPACE/KEY` beside the activation records. They have no
//! member `activationId`, so that no view of records shows them.

use async_trait::async_trait;
use couch_rs::http::StatusCode;
use serde::{Deserialize, Serialize};
use whirl_model::{Json, Namespace, Revision, Timestamp};

use super::CouchdbStore;
use super::failure::Failure;
use crate::store::{Claim, ClaimStore, Claiming, StoreError};

const CLAIM: &str = "claim a key";
const WITHDRAW: &str = "withdraw a claim";
const SWEEP: &str = "remove expired claims";

const PREFIX: &str = "whirl.claim/";
const ENTITY_TYPE: &str = "claim";
/// Others may claim the key at the same moment so often.
const ATTEMPTS: usize = 5;
/// Claims looked at together.
const PAGE: u64 = 500;

/// A claim as its document has it.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_rev")]
    revision: String,
    claim: Claim,
}

#[async_trait]
impl ClaimStore for CouchdbStore {
    async fn claim(
        &self,
        namespace: &Namespace,
        key: &str,
        claim: &Claim,
        instead_of: Option<&Claim>,
    ) -> Result<Claiming, StoreError> {
        let id = id(namespace, key);
        let mut attempt = self.try_claim(&id, claim, instead_of).await;
        for _ in 1..ATTEMPTS {
            match attempt {
                // Someone else was faster, or nobody knows: what is there now tells it.
                Err(failure) if failure.is(StatusCode::CONFLICT) || failure.leaves_doubt() => {
                    attempt = self.try_claim(&id, claim, instead_of).await;
                }
                outcome => return outcome.map_err(|failure| failure.during(CLAIM)),
            }
        }
        attempt.map_err(|failure| failure.during(CLAIM))
    }

    async fn withdraw(&self, namespace: &Namespace, key: &str, claim: &Claim) -> Result<(), StoreError> {
        let id = id(namespace, key);
        let found: Option<Document> =
            self.activations.get(&id).await.map_err(|failure| failure.during(WITHDRAW))?;
        match found {
            Some(document) if document.claim == *claim => {
                self.remove(document).await.map_err(|failure| failure.during(WITHDRAW))
            }
            _ => Ok(()),
        }
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.remove_expired(now).await.map_err(|failure| failure.during(SWEEP))
    }
}

impl CouchdbStore {
    /// The document is written over the one that was read: what comes between is a conflict.
    async fn try_claim(
        &self,
        id: &str,
        claim: &Claim,
        instead_of: Option<&Claim>,
    ) -> Result<Claiming, Failure> {
        let old: Option<Document> = self.activations.get(id).await?;
        if old.as_ref().is_some_and(|old| old.claim == *claim) {
            return Ok(Claiming::Claimed);
        }
        if let Some(old) = old.as_ref().filter(|old| old.claim.stands_against(claim, instead_of)) {
            return Ok(Claiming::Taken(old.claim.clone()));
        }
        let text = text(id, claim, old.map(|old| old.revision));
        self.activations.put(id, text).await.map(|_| Claiming::Claimed)
    }

    async fn remove_expired(&self, now: Timestamp) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let page: Vec<Document> = self.activations.get_range(PREFIX, after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for document in page {
                if document.claim.expires <= now {
                    self.remove(document).await?;
                }
            }
        }
    }

    /// Removes a document unless it has changed meanwhile.
    async fn remove(&self, document: Document) -> Result<(), Failure> {
        let revision = Revision::from(document.revision);
        match self.activations.delete(&document.id, &revision).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => Ok(()),
            outcome => outcome,
        }
    }
}

fn id(namespace: &Namespace, key: &str) -> String {
    format!("{PREFIX}{namespace}/{key}")
}

fn text(id: &str, claim: &Claim, revision: Option<String>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'a> {
        #[serde(rename = "_id")]
        id: &'a str,
        #[serde(rename = "_rev", skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        entity_type: &'a str,
        claim: &'a Claim,
    }
    Json::of(&Written { id, revision, entity_type: ENTITY_TYPE, claim }).as_str().to_owned()
}
