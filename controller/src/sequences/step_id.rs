//! Ids of steps: derived from what they are a step of, so that who takes a sequence up again finds what was done.

use whirl_model::ActivationId;

/// Keeps these ids apart from other uses of the hash.
const PURPOSE: &[u8] = b"whirl: a step of an activation";

/// The id of the step of this number, counted from 0, of an activation that is made of others.
pub(crate) fn step_id(parent: ActivationId, number: u32) -> ActivationId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(PURPOSE).update(&parent.bits().to_le_bytes()).update(&number.to_le_bytes());
    let mut bits = [0; 16];
    hasher.finalize_xof().fill(&mut bits);
    ActivationId::from_bits(u128::from_le_bytes(bits))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_the_same_every_time_and_no_two_alike() {
        let parents = (0..10).map(ActivationId::from_bits);
        let ids: Vec<_> = parents.flat_map(|parent| (0..100).map(move |n| step_id(parent, n))).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1000);
        // What an earlier process derived has to be found by a later version.
        assert_eq!(step_id(ActivationId::from_bits(1), 0).to_string(), "80a4524589542503c6bb4b60ace01ad7");
    }
}
