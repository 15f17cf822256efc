//! The places of an action, in an order that is its own for ever: home is the first that will do, the next
//! ones are where it goes when home is full.
//!
//! The order is random draws out of all numbers, seeded by the action's hash. Whoever leaves is skipped, so
//! that only what lived there moves; twice as many numbers put new draws between the old ones and leave those
//! in their order, so that whoever joins takes an equal share from everyone and nothing else moves.

use super::bitmap::Common;

/// Doublings of the numbers, at most.
pub(super) const MOST_LEVELS: usize = 20;

/// One walk along an action's places.
pub(super) struct Places {
    hash: u64,
    levels: usize,
    /// Draws made at each level.
    drawn: [u8; MOST_LEVELS + 1],
    last: u32,
}

impl Places {
    /// The places of an action among the numbers below `2^levels`.
    pub(super) fn new(hash: u64, levels: usize) -> Self {
        Self { hash, levels: levels.min(MOST_LEVELS), drawn: [0; MOST_LEVELS + 1], last: 0 }
    }

    /// The next place that is among these and accepted. After so many draws that missed it is the next one in
    /// the order of numbers.
    pub(super) fn next(
        &mut self,
        draws: u32,
        among: Common<'_>,
        accept: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        for _ in 0..draws {
            self.last = self.draw();
            if among.contains(self.last) && accept(self.last) {
                return Some(self.last);
            }
        }
        among.find(self.last, accept)
    }

    /// A level draws from its upper half, or lets the level below draw: with equal chances, so that all numbers
    /// have the same.
    fn draw(&mut self) -> u32 {
        for level in (1..=self.levels).rev() {
            let bits = mix(self.hash, level, self.drawn[level]);
            self.drawn[level] = self.drawn[level].wrapping_add(1);
            if bits >> 63 == 1 {
                let half = 1 << (level - 1);
                return half | (bits as u32 & (half - 1));
            }
        }
        0
    }
}

/// The bits of one draw (the finaliser of SplitMix64).
fn mix(hash: u64, level: usize, draw: u8) -> u64 {
    let step = (level as u64) << 8 | u64::from(draw);
    let mut bits = hash.wrapping_add((step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::super::bitmap::Bitmap;
    use super::*;

    const ACTIONS: u64 = 20_000;

    fn homes(members: impl Iterator<Item = u32>, levels: usize) -> Vec<u32> {
        let mut set = Bitmap::default();
        members.for_each(|number| set.set(number, true));
        let home = |n: u64| {
            let hash = n.wrapping_mul(0x0000_0100_0000_01b3);
            Places::new(hash, levels).next(24, Common { base: &set, also: &[] }, |_| true)
        };
        (0..ACTIONS).filter_map(home).collect()
    }

    #[test]
    fn a_hundred_invokers_are_home_to_equal_shares() {
        let mut shares = [0; 100];
        homes(0..100, 7).iter().for_each(|home| shares[*home as usize] += 1);
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(*least >= 140 && *most <= 260, "200 on average, but {least} to {most}");
    }

    #[test]
    fn who_leaves_takes_only_its_own_actions_along() {
        let before = homes(0..100, 7);
        let after = homes((0..100).filter(|n| *n != 42), 7);
        assert!(before.contains(&42) && !after.contains(&42));
        let moved = before.iter().zip(&after).filter(|(before, after)| before != after);
        assert!(moved.clone().all(|(before, _)| *before == 42));
        let mut heirs: Vec<_> = moved.map(|(_, after)| after).collect();
        heirs.sort_unstable();
        heirs.dedup();
        assert!(heirs.len() > 50, "one invoker's actions go to many, not to {}", heirs.len());
    }

    #[test]
    fn who_joins_takes_an_equal_share_even_where_the_numbers_double() {
        for (members, before, after) in [(99, 7, 7), (128, 7, 8)] {
            let (before, after) = (homes(0..members, before), homes(0..members + 1, after));
            let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
            assert!(moved.iter().all(|(_, home)| **home == members));
            let share = ACTIONS as usize / (members as usize + 1);
            assert!(moved.len() > share / 2 && moved.len() < share * 2, "{} of {share}", moved.len());
        }
    }
}
