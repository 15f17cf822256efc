//! Numbers sorted by an amount of memory into classes, four to each doubling, so that who has enough of it is
//! one set and need not be searched for.

use super::bitmap::Bitmap;

/// The least class, in mebibytes. Smaller amounts belong to none.
const LEAST: u32 = 128;

/// From 128 MiB up to what 32 bits hold.
const CLASSES: usize = 100;

/// The mebibytes that the members of a class have at least.
fn threshold(class: usize) -> u32 {
    (4 + class as u32 % 4) << (class / 4 + 5)
}

/// The greatest class whose threshold the amount reaches.
fn reached(memory: u32) -> Option<usize> {
    let doublings = memory.checked_ilog2().filter(|_| memory >= LEAST)?;
    Some((doublings - LEAST.ilog2()) as usize * 4 + (memory >> (doublings - 2)) as usize % 4)
}

/// The members of every class.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    sets: Vec<Bitmap>,
    /// For each number, in how many classes it is: the least ones.
    counts: Vec<u8>,
}

impl Classes {
    pub(super) fn new() -> Self {
        Self { sets: vec![Bitmap::default(); CLASSES], counts: Vec::new() }
    }

    /// Says how much a number has. Costs what the change is worth.
    pub(super) fn set(&mut self, number: u32, memory: u32) {
        let index = number as usize;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        let after = reached(memory).map_or(0, |class| class + 1);
        let before = usize::from(self.counts[index]);
        self.counts[index] = after as u8;
        let (from, to) = (before.min(after), before.max(after));
        self.sets[from..to].iter_mut().for_each(|set| set.set(number, after > before));
    }

    /// Numbers that have this much, and none that has not. Some that have a little less than a quarter more
    /// are left out, where the amount is no class's own. `None` if it is more than any class has.
    pub(super) fn surely(&self, memory: u32) -> Option<&Bitmap> {
        let class = match reached(memory) {
            None => 0,
            Some(class) if threshold(class) == memory => class,
            Some(class) => class + 1,
        };
        self.sets.get(class)
    }

    /// All numbers that have this much, and some that have a little less. `None` if it is less than any class
    /// has.
    pub(super) fn perhaps(&self, memory: u32) -> Option<&Bitmap> {
        self.sets.get(reached(memory)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_sizes_are_classes_of_their_own() {
        for memory in [128, 256, 320, 384, 512, 1024, 1536, 2048, 65_536] {
            assert_eq!(reached(memory).map(threshold), Some(memory));
        }
        assert_eq!((reached(127), reached(u32::MAX)), (None, Some(CLASSES - 1)));
    }

    #[test]
    fn membership_follows_the_amount() {
        let mut classes = Classes::new();
        for (memory, needed) in [(1000, 300), (300, 300), (320, 300), (255, 256), (256, 256), (0, 1)] {
            classes.set(7, memory);
            let surely = classes.surely(needed).is_some_and(|set| set.contains(7));
            let perhaps = classes.perhaps(needed).is_none_or(|set| set.contains(7));
            assert!(!surely || memory >= needed, "{memory} is not {needed}");
            assert!(perhaps || memory < needed, "{memory} is {needed}");
            assert_eq!(surely, memory >= needed && memory != 300, "{memory} for {needed}");
        }
    }
}
