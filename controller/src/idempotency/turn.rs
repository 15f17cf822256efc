//! Whether a request with a key runs: it does if it is the first, or if the one before it left nothing behind. The
//! same request that is being accepted is waited for.

use std::time::Duration;

use tokio::time::Instant;
use whirl_backends::store::{Claim, Claiming};
use whirl_model::{ActivationId, Namespace, Timestamp};

use super::{Keyed, Underway, now};
use crate::api::Api;
use crate::api_error::ApiError;

/// How long a key stands for its first request.
const STANDS_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// A claim of another controller's that is not accepted by then never will be: that one has gone. It may wait for a
/// result for as long as callers do, which is a minute.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(120);
/// How long a request waits for the same request that is being accepted, if its caller does not wait longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked whether that is over: here, and where another controller accepts it.
const LOOKS_EVERY: Duration = Duration::from_millis(10);
const LOOKS_ELSEWHERE_EVERY: Duration = Duration::from_millis(100);

/// What a request with a key is to do.
pub(crate) enum Turn {
    /// It is the first: it runs, under the permit's id.
    First(Permit),
    /// It was accepted before, as this activation.
    Again(ActivationId),
}

/// A claim that waits for what becomes of its request. Dropped, it leaves that open: the next same request
/// runs, under the same id.
pub(crate) struct Permit {
    keyed: Keyed,
    claim: Claim,
    resumes: bool,
    _underway: Underway,
}

impl Permit {
    /// Whether the request may have been begun under this id before.
    pub(crate) fn resumes(&self) -> bool {
        self.resumes
    }

    /// The activation that the request becomes.
    pub(crate) fn id(&self) -> ActivationId {
        self.claim.activation
    }

    /// The request was accepted, or was not and may be sent again.
    pub(crate) async fn settle(self, api: &Api, accepted: bool) {
        let Keyed { namespace, key, .. } = &self.keyed;
        let store = &api.claims.store;
        // If it was not, it may have been published all the same, and only its durability be in doubt.
        let outcome = if accepted || api.is_under_way(namespace, self.id()) {
            let settled = Claim { accepted: true, ..self.claim.clone() };
            store.claim(namespace, key, &settled, Some(&self.claim)).await.map(drop)
        } else {
            store.withdraw(namespace, key, &self.claim).await
        };
        if let Err(error) = outcome {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(activation = %self.id(), error, "what became of a claim could not be noted");
        }
    }
}

impl Api {
    /// Whether a request with a key runs. The same one that is being accepted is waited for as long as the
    /// caller waits, or a moment.
    pub(crate) async fn turn(&self, keyed: Keyed, wait: Option<Duration>) -> Result<Turn, ApiError> {
        let turn = self.await_turn(&keyed, wait).await;
        let keys = &self.metrics.keys;
        match &turn {
            Ok(Turn::First(_)) => keys.first.inc(),
            Ok(Turn::Again(_)) => keys.again.inc(),
            Err(_) => keys.refused.inc(),
        }
        turn
    }

    async fn await_turn(&self, keyed: &Keyed, wait: Option<Duration>) -> Result<Turn, ApiError> {
        let deadline = Instant::now() + wait.unwrap_or_default().max(PATIENCE);
        loop {
            let pause = match self.try_turn(keyed).await? {
                Attempt::Done(turn) => return Ok(turn),
                Attempt::Later(pause) => pause,
            };
            if Instant::now() + pause > deadline {
                return Err(ApiError::KeyInUse);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_turn(&self, keyed: &Keyed) -> Result<Attempt, ApiError> {
        let underway = match self.claims.begin(keyed) {
            Ok(underway) => underway,
            Err(Some(other)) if other.fingerprint != keyed.fingerprint => return Err(ApiError::KeyReused),
            Err(Some(other)) if self.bus.progress(other.activation).is_some() => {
                return Ok(Attempt::Done(Turn::Again(other.activation)));
            }
            Err(_) => return Ok(Attempt::Later(LOOKS_EVERY)),
        };
        let new = self.new_claim(keyed, ActivationId::from_bits(rand::random()));
        let Keyed { namespace, key, fingerprint } = keyed;
        let old = match self.claims.store.claim(namespace, key, &new, None).await? {
            Claiming::Claimed => return Ok(granted(keyed, new, underway, false)),
            Claiming::Taken(old) => old,
        };
        if old.fingerprint != *fingerprint {
            return Err(ApiError::KeyReused);
        }
        if old.accepted || self.knows(namespace, old.activation).await? {
            return Ok(Attempt::Done(Turn::Again(old.activation)));
        }
        if self.may_be_accepted_elsewhere(&old, new.made) {
            return Ok(Attempt::Later(LOOKS_ELSEWHERE_EVERY));
        }
        // Who made the claim is gone, or gave it up; nothing of it was published.
        let same = self.new_claim(keyed, old.activation);
        Ok(match self.claims.store.claim(namespace, key, &same, Some(&old)).await? {
            Claiming::Claimed => granted(keyed, same, underway, true),
            Claiming::Taken(_) => Attempt::Later(LOOKS_EVERY),
        })
    }

    fn new_claim(&self, keyed: &Keyed, activation: ActivationId) -> Claim {
        let made = now();
        Claim {
            activation,
            fingerprint: keyed.fingerprint.clone(),
            by: self.id,
            made,
            expires: made.plus(STANDS_FOR),
            accepted: false,
        }
    }

    /// Whether the activation was published, as far as the bus and the store tell.
    pub(crate) async fn knows(&self, namespace: &Namespace, id: ActivationId) -> Result<bool, ApiError> {
        if self.is_under_way(namespace, id) {
            return Ok(true);
        }
        Ok(!self.stores.activations.existing(&[(namespace.clone(), id)]).await?.is_empty())
    }

    /// Whether the activation is on the bus or in flight here.
    fn is_under_way(&self, namespace: &Namespace, id: ActivationId) -> bool {
        self.bus.progress(id).is_some() || self.acknowledgements.flight(namespace, id).is_some()
    }

    /// Whether the controller that made a claim may be at work on it. This one is not; its number has one
    /// bearer at a time.
    fn may_be_accepted_elsewhere(&self, claim: &Claim, now: Timestamp) -> bool {
        let within = u64::try_from(ACCEPTED_WITHIN.as_millis()).unwrap_or(u64::MAX);
        claim.by != self.id && now.millis_since(claim.made) < within
    }
}

enum Attempt {
    Done(Turn),
    /// The same request is being accepted: look again after so long.
    Later(Duration),
}

fn granted(keyed: &Keyed, claim: Claim, underway: Underway, resumes: bool) -> Attempt {
    underway.claimed(claim.clone());
    Attempt::Done(Turn::First(Permit { keyed: keyed.clone(), claim, resumes, _underway: underway }))
}
