//! The suites that every implementation of a seam passes, as functions that panic where it does not.
//!
//! They need nothing but an implementation at hand. All names are random, so that a suite may run on a store
//! or a broker that others use too.

use std::hash::{BuildHasher, RandomState};

use whirl_model::{ActivationId, ActivationRecord, ActivationResponse, Json, Namespace, Outcome, Timestamp};
use whirl_model::{Parameters, Version};

pub mod activations;
pub mod bus;
pub mod claims;
pub mod coordination;
pub mod entities;
pub mod picky;
#[cfg(feature = "couchdb")]
pub mod servers;
pub mod subjects;

/// Runs the suites of a store.
pub async fn store(stores: &crate::store::Stores) {
    entities::run(&*stores.entities).await;
    activations::run(&*stores.activations).await;
    subjects::run(&*stores.subjects).await;
    claims::run(&*stores.claims).await;
}

/// A random number.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// A namespace that nobody has used.
///
/// # Panics
/// Never: the name is well formed.
#[must_use]
pub fn new_namespace() -> Namespace {
    format!("contract-{:016x}", random()).parse().expect("letters, digits and dashes are a name")
}

/// An id that nobody has used.
#[must_use]
pub fn new_activation_id() -> ActivationId {
    ActivationId::from_bits(u128::from(random()) << 64 | u128::from(random()))
}

/// The record of a successful activation of `name`.
///
/// # Panics
/// When `name` is no entity's name.
#[must_use]
pub fn record(namespace: &Namespace, name: &str, start: u64) -> ActivationRecord {
    ActivationRecord {
        namespace: namespace.clone(),
        name: name.parse().expect("a name"),
        version: Version::FIRST,
        subject: "contract".to_owned(),
        activation_id: new_activation_id(),
        cause: None,
        start: Timestamp(start),
        end: Some(Timestamp(start + 1)),
        duration: Some(1),
        response: ActivationResponse {
            outcome: Outcome::Success,
            result: Some(
                Json::parse(r#"{"n":123456789012345678901234567890,"f":1.0,"s":"<\u2028>"}"#).expect("JSON"),
            ),
            size: Some(2),
        },
        logs: vec!["line".to_owned()],
        annotations: Parameters::default(),
        publish: false,
    }
}
