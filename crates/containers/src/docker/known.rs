//! What this process knows of the containers that it started and that were not removed yet.

use std::collections::HashMap;
use std::sync::Arc;

use bollard::models::ContainerInspectResponse;
use parking_lot::Mutex;

use super::cgroup::Whereabouts;
use super::cpu_meter::GroupMeter;
use super::cpu_quota::CpuQuota;
use super::freezer::Freezer;
use super::memory::KillCounter;
use super::output::Cut;
use crate::factory::ContainerName;

/// A container's control groups, as far as this process may use them.
#[derive(Debug)]
pub(super) struct Group {
    pid: i64,
    id: String,
    pub(super) freezer: Option<Freezer>,
    pub(super) quota: Option<CpuQuota>,
    kills: Option<KillCounter>,
}

impl Group {
    /// Finds the groups of a container that runs on this host, and what tells its CPU time.
    pub(super) fn of(found: &ContainerInspectResponse) -> Option<(Self, Option<GroupMeter>)> {
        let (pid, id) = (found.state.as_ref()?.pid?, found.id.as_ref()?);
        let whereabouts = Whereabouts::of(pid, id)?;
        let group = Self {
            pid,
            id: id.clone(),
            freezer: Freezer::of(&whereabouts),
            quota: CpuQuota::of(&whereabouts),
            kills: KillCounter::of(&whereabouts),
        };
        Some((group, GroupMeter::of(&whereabouts)))
    }

    /// Whether the first process has ended, which the engine may not know yet.
    pub(super) fn has_ended(&self) -> bool {
        Whereabouts::of(self.pid, &self.id).is_none()
    }
}

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
        self.group.as_ref()?.freezer.as_ref()
    }

    /// Whether processes of it were killed for want of memory since this was asked last, if that can be told.
    pub(super) fn was_short_of_memory(&self) -> Option<bool> {
        self.group.as_ref()?.kills.as_ref()?.has_grown()
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
