//! Sets of small numbers in two levels: the upper one says where the lower one has anything, so that finding
//! the next member costs the same whether ten numbers are used or ten thousand.

const BITS: u32 = u64::BITS;

/// A set of numbers. Its memory follows the greatest one that was ever in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bitmap {
    words: Vec<u64>,
    /// A bit for each word that is not zero.
    summary: Vec<u64>,
}

fn place(number: u32) -> (usize, u64) {
    ((number / BITS) as usize, 1 << (number % BITS))
}

/// All bits from the number's own on.
fn from(number: u32) -> u64 {
    u64::MAX << (number % BITS)
}

impl Bitmap {
    /// Puts a number in or takes it out.
    pub(super) fn set(&mut self, number: u32, member: bool) {
        let (index, bit) = place(number);
        if member {
            if index >= self.words.len() {
                self.words.resize(index + 1, 0);
                self.summary.resize(index / BITS as usize + 1, 0);
            }
            self.words[index] |= bit;
        } else if index < self.words.len() {
            self.words[index] &= !bit;
        } else {
            return;
        }
        let (above, bit) = place(index as u32);
        if self.words[index] == 0 {
            self.summary[above] &= !bit;
        } else {
            self.summary[above] |= bit;
        }
    }

    /// Whether the number is in the set.
    pub(super) fn contains(&self, number: u32) -> bool {
        let (index, bit) = place(number);
        self.word(index) & bit != 0
    }

    /// Whether no number is.
    pub(super) fn is_empty(&self) -> bool {
        self.summary.iter().all(|word| *word == 0)
    }

    fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or_default()
    }

    /// The first word from `index` on that is not zero.
    fn next_word(&self, index: usize) -> Option<usize> {
        let (mut above, _) = place(index as u32);
        let mut rest = self.summary.get(above)? & from(index as u32);
        while rest == 0 {
            above += 1;
            rest = *self.summary.get(above)?;
        }
        Some(above * BITS as usize + rest.trailing_zeros() as usize)
    }
}

/// The numbers that are in all of several sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'a> {
    /// The set that is walked: the smallest, if that is known.
    pub(super) base: &'a Bitmap,
    /// The others.
    pub(super) also: &'a [&'a Bitmap],
}

impl Common<'_> {
    pub(super) fn contains(self, number: u32) -> bool {
        self.base.contains(number) && self.also.iter().all(|set| set.contains(number))
    }

    /// The first member from `start` on, in a circle, that is accepted.
    pub(super) fn find(self, start: u32, accept: impl Fn(u32) -> bool) -> Option<u32> {
        let accepted = |number: &u32| accept(*number);
        self.walk(start, u32::MAX).find(accepted).or_else(|| self.walk(0, start).find(accepted))
    }

    /// Members from `start` on and below `end`, in order.
    fn walk(self, start: u32, end: u32) -> impl Iterator<Item = u32> {
        let below = move |number: &u32| *number < end;
        std::iter::successors(self.next(start).filter(below), move |number| {
            self.next(number + 1).filter(below)
        })
    }

    /// The first member from `start` on.
    fn next(self, start: u32) -> Option<u32> {
        let (first, _) = place(start);
        let mut index = self.base.next_word(first)?;
        loop {
            let mask = if index == first { from(start) } else { u64::MAX };
            let common = self.also.iter().fold(self.base.word(index), |word, set| word & set.word(index));
            if common & mask != 0 {
                return Some(index as u32 * BITS + (common & mask).trailing_zeros());
            }
            index = self.base.next_word(index + 1)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn bitmap(numbers: &BTreeSet<u32>) -> Bitmap {
        let mut bitmap = Bitmap::default();
        numbers.iter().for_each(|number| bitmap.set(*number, true));
        bitmap
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_a_set(
            a in prop::collection::btree_set(0..9000u32, 0..60),
            b in prop::collection::btree_set(0..9000u32, 0..60),
            gone in prop::collection::btree_set(0..9000u32, 0..9),
            start in 0..9000u32,
        ) {
            let mut left = bitmap(&a.union(&b).copied().collect());
            let right = bitmap(&b);
            for number in gone.iter().chain(a.iter().take(20)) {
                left.set(*number, false);
            }
            let kept = |n: &u32| !gone.contains(n) && !a.iter().take(20).any(|a| a == n);
            let common: BTreeSet<u32> = b.iter().copied().filter(kept).collect();
            let expected = common.range(start..).chain(common.range(..start)).next().copied();
            prop_assert_eq!(Common { base: &left, also: &[&right] }.find(start, |_| true), expected);
            let odd = |n: u32| n % 2 == 1;
            let expected = common.range(start..).chain(common.range(..start)).copied().find(|n| odd(*n));
            prop_assert_eq!(Common { base: &left, also: &[&right] }.find(start, odd), expected);
            common.iter().for_each(|number| left.set(*number, false));
            prop_assert!(common.iter().all(|number| !left.contains(*number)));
            a.iter().chain(&b).for_each(|number| left.set(*number, false));
            prop_assert!(left.is_empty());
        }
    }
}
