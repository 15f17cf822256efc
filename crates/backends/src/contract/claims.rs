//! What a store of claims has to do.
#![allow(clippy::unwrap_used, reason = "a suite fails by panicking")]

use futures::future::join_all;
use whirl_model::{ControllerId, Timestamp};

use super::{new_activation_id, new_namespace};
use crate::store::{Claim, ClaimStore, Claiming};

/// Runs the suite.
pub async fn run(store: &dyn ClaimStore) {
    a_key_is_claimed_once(store).await;
    a_claim_gives_way_to_who_knows_it(store).await;
    expired_claims_go(store).await;
    of_many_at_once_one_succeeds(store).await;
}

fn claim(made: u64) -> Claim {
    Claim {
        activation: new_activation_id(),
        fingerprint: "f".to_owned(),
        by: ControllerId(3),
        made: Timestamp(made),
        expires: Timestamp(made + 100),
        accepted: false,
    }
}

async fn a_key_is_claimed_once(store: &dyn ClaimStore) {
    let (alice, bob) = (new_namespace(), new_namespace());
    let (first, second) = (claim(1), claim(2));
    assert_eq!(store.claim(&alice, "k", &first, None).await.unwrap(), Claiming::Claimed);
    let taken = Claiming::Taken(first.clone());
    assert_eq!(store.claim(&alice, "k", &second, None).await.unwrap(), taken);
    assert_eq!(store.claim(&alice, "other", &second, None).await.unwrap(), Claiming::Claimed);
    assert_eq!(store.claim(&bob, "k", &second, None).await.unwrap(), Claiming::Claimed);

    store.withdraw(&alice, "k", &second).await.unwrap();
    assert_eq!(store.claim(&alice, "k", &second, None).await.unwrap(), taken, "it was another one's");
    store.withdraw(&alice, "k", &first).await.unwrap();
    store.withdraw(&alice, "k", &first).await.unwrap();
    assert_eq!(store.claim(&alice, "k", &second, None).await.unwrap(), Claiming::Claimed);
}

async fn a_claim_gives_way_to_who_knows_it(store: &dyn ClaimStore) {
    let namespace = new_namespace();
    let first = claim(1);
    let accepted = Claim { accepted: true, ..first.clone() };
    store.claim(&namespace, "k", &first, None).await.unwrap();
    let outcome = store.claim(&namespace, "k", &accepted, Some(&claim(1))).await.unwrap();
    assert_eq!(outcome, Claiming::Taken(first.clone()));
    let outcome = store.claim(&namespace, "k", &accepted, Some(&first)).await.unwrap();
    assert_eq!(outcome, Claiming::Claimed);
    let outcome = store.claim(&namespace, "k", &claim(2), Some(&first)).await.unwrap();
    assert_eq!(outcome, Claiming::Taken(accepted));
}

async fn expired_claims_go(store: &dyn ClaimStore) {
    let namespace = new_namespace();
    let (early, late, kept) = (claim(1), claim(101), claim(200));
    store.claim(&namespace, "k", &early, None).await.unwrap();
    assert_eq!(store.claim(&namespace, "k", &late, None).await.unwrap(), Claiming::Claimed);
    store.claim(&namespace, "kept", &kept, None).await.unwrap();
    store.sweep(Timestamp(201)).await.unwrap();
    let next = claim(2);
    assert_eq!(store.claim(&namespace, "k", &next, None).await.unwrap(), Claiming::Claimed, "it was swept");
    assert_eq!(store.claim(&namespace, "kept", &next, None).await.unwrap(), Claiming::Taken(kept));
}

async fn of_many_at_once_one_succeeds(store: &dyn ClaimStore) {
    let namespace = new_namespace();
    let claims: Vec<_> = (0..10).map(|_| claim(1)).collect();
    let outcomes = join_all(claims.iter().map(|claim| store.claim(&namespace, "k", claim, None))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let winners: Vec<_> =
        outcomes.iter().zip(&claims).filter(|(outcome, _)| **outcome == Claiming::Claimed).collect();
    let [(_, winner)] = winners[..] else { panic!("{outcomes:?}") };
    let taken = Claiming::Taken(winner.clone());
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == taken).count(), 9);
}
