//! All containers of the pool, what they hold of the host, and the indexes by which they are found. Every change
//! goes through here, so that containers, books and indexes cannot disagree. Decides nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::container::{Container, State};
use super::resources::{Holding, Resources};
use super::shelves::{Readiness, Shelves};
use super::{ActionKey, ContainerId, PoolConfig, Stem, WarmKey};

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Fleet {
    containers: BTreeMap<ContainerId, Container>,
    resources: Resources,
    next_id: u64,
    /// Starting ones and stem cells.
    bare: BTreeSet<ContainerId>,
    shelves: Shelves,
    /// Who holds an action, in any state and revision.
    holders: HashMap<ActionKey, BTreeSet<ContainerId>>,
    /// How often a container came to be idle or going, or ceased to be.
    turnover: u64,
}

impl Fleet {
    pub(super) fn new(config: &PoolConfig) -> Self {
        Self {
            containers: BTreeMap::new(),
            resources: Resources::new(config),
            next_id: 0,
            bare: BTreeSet::new(),
            shelves: Shelves::default(),
            holders: HashMap::new(),
            turnover: 0,
        }
    }

    /// A container that is being started, with what was found for it.
    pub(super) fn start(&mut self, stem: Arc<Stem>, holding: Holding) -> ContainerId {
        let id = ContainerId(self.next_id);
        self.next_id += 1;
        self.resources.hold(&holding);
        self.bare.insert(id);
        let container = Container { stem, holding, state: State::Starting, shelf: None };
        self.containers.insert(id, container);
        id
    }

    /// Gives a container its next state, if it is there; what it then is.
    pub(super) fn change(
        &mut self,
        id: ContainerId,
        next: impl FnOnce(State) -> State,
    ) -> Option<&Container> {
        let container = self.containers.get_mut(&id)?;
        let before = container.state.readiness();
        let was_to_be_had = container.is_to_be_had();
        container.change(next);
        self.turnover += u64::from(was_to_be_had != container.is_to_be_had());
        let after = container.state.readiness();
        if container.shelf.is_none()
            && let Some(key) = container.state.tenancy().map(|tenancy| &tenancy.key)
        {
            self.holders.entry(key.action_key()).or_default().insert(id);
            container.shelf = Some(self.shelves.join(key));
        }
        if before != after
            && let Some(shelf) = container.shelf
        {
            self.shelves.change(shelf, id, before, after);
        }
        if !container.is_bare() {
            self.bare.remove(&id);
        }
        Some(container)
    }

    /// Nothing is left of a container: what it held is free.
    pub(super) fn forget(&mut self, id: ContainerId) -> Option<Container> {
        let container = self.containers.remove(&id)?;
        self.resources.give_back(&container.holding);
        self.bare.remove(&id);
        if let Some(key) = container.key() {
            let action = key.action_key();
            if let Some(holders) = self.holders.get_mut(&action) {
                holders.remove(&id);
                if holders.is_empty() {
                    self.holders.remove(&action);
                }
            }
            if let Some(shelf) = container.shelf {
                self.shelves.change(shelf, id, container.state.readiness(), Readiness::Closed);
                self.shelves.leave(shelf, key);
            }
        }
        Some(container)
    }

    pub(super) fn get(&self, id: ContainerId) -> Option<&Container> {
        self.containers.get(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.containers.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ContainerId, &Container)> {
        self.containers.iter().map(|(id, container)| (*id, container))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Container> {
        self.containers.values()
    }

    /// A number that is another whenever what containers hold that are idle or going is.
    pub(super) fn turnover(&self) -> u64 {
        self.turnover
    }

    pub(super) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The best container of the key that can take a request now.
    pub(super) fn warmest(&self, key: &WarmKey) -> Option<ContainerId> {
        self.shelves.best(key)
    }

    /// Containers of the key that can take so many requests soon.
    pub(super) fn coming(&self, key: &WarmKey) -> impl Iterator<Item = (ContainerId, u32)> {
        self.shelves.coming(key)
    }

    /// Containers that hold the action, in whatever state; one that is being removed still does.
    pub(super) fn holders(&self, action: &ActionKey) -> impl Iterator<Item = (ContainerId, &Container)> {
        let ids = self.holders.get(action).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.containers.get(id)?)))
    }

    /// Starting containers and stem cells.
    pub(super) fn bare(&self) -> impl Iterator<Item = (ContainerId, &Container)> {
        self.bare.iter().filter_map(|id| Some((*id, self.containers.get(id)?)))
    }

    pub(super) fn starting(&self) -> usize {
        self.bare().filter(|(_, container)| matches!(container.state, State::Starting)).count()
    }

    /// Those that are being started of users' images, or of the platform's, as the stem's is.
    pub(super) fn starting_like(&self, stem: &Stem) -> usize {
        let alike = |c: &Container| matches!(c.state, State::Starting) && c.stem.starts_like(stem);
        self.bare().filter(|(_, container)| alike(container)).count()
    }

    pub(super) fn has_stem_cell(&self) -> bool {
        self.bare().any(|(_, container)| matches!(container.state, State::Stem { .. }))
    }
}
