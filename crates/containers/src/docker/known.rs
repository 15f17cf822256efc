//! What this process knows of the containers that it started and that were not removed yet.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::cgroup::{Freezer, Group};
use super::output::Cut;
use crate::factory::ContainerName;

/// A container that was started.
pub(super) struct Container {
    output: Mutex<Option<Cut>>,
    pub(super) group: Option<Arc<Group>>,
}

impl Container {
    pub(super) fn new(output: Cut, group: Option<Group>) -> Self {
        Self { output: Mutex::new(Some(output)), group: group.map(Arc::new) }
    }

    /// The switch to freeze it directly, if there is one.
    pub(super) fn freezer(&self) -> Option<&Freezer> {
        self.group.as_ref()?.freezer()
    }

    /// Kills up to here are of runs that are over: they are told of no later one.
    pub(super) fn forget_kills(&self) {
        if let Some(group) = &self.group {
            group.forget_kills();
        }
    }

    /// Ends what its reader gets.
    pub(super) fn cut_output(&self) {
        if let Some(cut) = self.output.lock().take() {
            cut.now();
        }
    }
}

/// All of them, by name.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<ContainerName, Arc<Container>>>);

impl Known {
    pub(super) fn add(&self, name: ContainerName, container: Container) {
        self.0.lock().insert(name, Arc::new(container));
    }

    pub(super) fn get(&self, name: &ContainerName) -> Option<Arc<Container>> {
        self.0.lock().get(name).cloned()
    }

    pub(super) fn forget(&self, name: &ContainerName) {
        self.0.lock().remove(name);
    }
}
