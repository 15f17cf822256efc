//! Containers that may come up although nobody waits for them any more: their creation was given up when the engine
//! did not answer, or its caller went away. Only notes them: `removal` looks for them.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::factory::ContainerName;

/// An engine that answers again first does what it was asked before it fell silent. A container that was looked for
/// so many times meanwhile, and was not there, does not come any more.
const LOOKS: u32 = 30;

/// Their names, each with how often it was looked for in vain.
#[derive(Debug, Default)]
pub(super) struct Strays(Mutex<BTreeMap<ContainerName, u32>>);

impl Strays {
    /// The container may exist, or come to exist.
    pub(super) fn add(&self, name: ContainerName) {
        self.0.lock().insert(name, 0);
    }

    /// Somebody answers for the container of this name, or it is removed.
    pub(super) fn forget(&self, name: &ContainerName) {
        self.0.lock().remove(name);
    }

    pub(super) fn names(&self) -> Vec<ContainerName> {
        self.0.lock().keys().cloned().collect()
    }

    /// Among the containers that there are, those to remove. That the others are not there is noted.
    pub(super) fn found_among(&self, there: &[ContainerName]) -> Vec<ContainerName> {
        let mut strays = self.0.lock();
        for (_, looks) in strays.iter_mut().filter(|(name, _)| !there.contains(name)) {
            *looks += 1;
        }
        strays.retain(|_, looks| *looks < LOOKS);
        strays.keys().filter(|name| there.contains(name)).cloned().collect()
    }
}

/// A creation under way. If it is dropped before it is known what it leaves, its container becomes a stray.
pub(super) struct Creation<'a> {
    strays: &'a Strays,
    name: Option<ContainerName>,
}

impl<'a> Creation<'a> {
    /// Begins one. From here on its caller answers for what has the name.
    pub(super) fn begin(strays: &'a Strays, name: &ContainerName) -> Self {
        strays.forget(name);
        Self { strays, name: Some(name.clone()) }
    }

    /// Its caller has the container, or nothing is left of it.
    pub(super) fn settled(&mut self) {
        self.name = None;
    }
}

impl Drop for Creation<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.strays.add(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_is_looked_for_until_it_was_found_or_cannot_come_any_more() {
        let (late, never) = (ContainerName::new("late"), ContainerName::new("never"));
        let strays = Strays::default();
        strays.add(late.clone());
        strays.add(never.clone());
        for _ in 1..LOOKS {
            assert!(strays.found_among(&[ContainerName::new("other")]).is_empty());
        }
        let late_alone = std::slice::from_ref(&late);
        assert_eq!(strays.found_among(late_alone), late_alone);
        assert_eq!(strays.names(), late_alone, "a removal may fail: it stays noted until that is done");
        strays.forget(&late);
        assert!(strays.names().is_empty());
    }
}
