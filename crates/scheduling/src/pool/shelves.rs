//! Where containers with code are found by their key: a shelf for each key that has any. On it, who can take a
//! request now, the best last, and who will be able to soon.

use std::collections::{BTreeMap, HashMap};

use super::{ContainerId, WarmKey};
use crate::Moment;

/// What a container with code can do for a request of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Take it now.
    Open(Warmth),
    /// Take so many soon.
    Coming(u32),
    /// Take none.
    Closed,
}

/// How good a choice an open container is: the greatest is the best, so that spare ones age out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Warmth {
    /// It has to be thawed first; when it was last used.
    Paused(Moment),
    /// When it was last used.
    Idle(Moment),
    /// It runs something already.
    Running,
}

/// A shelf that has containers; another key's once it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShelfId(usize);

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Shelves {
    by_key: HashMap<WarmKey, ShelfId>,
    shelves: Vec<Shelf>,
    unused: Vec<ShelfId>,
}

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
struct Shelf {
    containers: usize,
    /// In order, the best at the end: what is used last is used again first, so that little has to be moved.
    open: Vec<(Warmth, ContainerId)>,
    coming: BTreeMap<ContainerId, u32>,
}

impl Shelves {
    /// The shelf for one container more of this key.
    pub(super) fn join(&mut self, key: &WarmKey) -> ShelfId {
        let id = match self.by_key.get(key) {
            Some(id) => *id,
            None => self.set_up(key.clone()),
        };
        self.shelves[id.0].containers += 1;
        id
    }

    fn set_up(&mut self, key: WarmKey) -> ShelfId {
        let id = self.unused.pop().unwrap_or_else(|| {
            self.shelves.push(Shelf::default());
            ShelfId(self.shelves.len() - 1)
        });
        self.by_key.insert(key, id);
        id
    }

    /// A container of this key is no more.
    pub(super) fn leave(&mut self, id: ShelfId, key: &WarmKey) {
        let shelf = &mut self.shelves[id.0];
        shelf.containers -= 1;
        if shelf.containers == 0 {
            self.by_key.remove(key);
            self.unused.push(id);
        }
    }

    /// A container of the shelf is not as ready as before.
    pub(super) fn change(&mut self, id: ShelfId, container: ContainerId, from: Readiness, to: Readiness) {
        let shelf = &mut self.shelves[id.0];
        shelf.take(container, from);
        shelf.put(container, to);
    }

    /// The best container of the key that can take a request now.
    pub(super) fn best(&self, key: &WarmKey) -> Option<ContainerId> {
        let id = self.by_key.get(key)?;
        self.shelves[id.0].open.last().map(|(_, container)| *container)
    }

    /// Containers of the key that can take so many requests soon.
    pub(super) fn coming(&self, key: &WarmKey) -> impl Iterator<Item = (ContainerId, u32)> {
        let shelf = self.by_key.get(key).map(|id| &self.shelves[id.0]);
        shelf.into_iter().flat_map(|shelf| &shelf.coming).map(|(container, room)| (*container, *room))
    }
}

impl Shelf {
    fn put(&mut self, container: ContainerId, readiness: Readiness) {
        match readiness {
            Readiness::Open(warmth) => {
                let place = self.open.partition_point(|other| *other < (warmth, container));
                self.open.insert(place, (warmth, container));
            }
            Readiness::Coming(room) => {
                self.coming.insert(container, room);
            }
            Readiness::Closed => {}
        }
    }

    fn take(&mut self, container: ContainerId, readiness: Readiness) {
        match readiness {
            Readiness::Open(warmth) => {
                if let Ok(place) = self.open.binary_search(&(warmth, container)) {
                    self.open.remove(place);
                }
            }
            Readiness::Coming(_) => {
                self.coming.remove(&container);
            }
            Readiness::Closed => {}
        }
    }
}
