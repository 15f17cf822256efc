//! What holds in the random world after every event, counted without the pool's own books.

use whirl_model::{Cores, GpuAmount};

use super::actions::{concurrency, config, devices};
use super::*;

impl World {
    pub(super) fn running_in(&self, id: ContainerId) -> usize {
        self.pending.iter().filter(|p| p.activation().is_some_and(|(container, _)| container == id)).count()
    }

    /// Accepted, not ended, and in no container.
    fn waiting(&self) -> impl Iterator<Item = &Request> {
        let placed: BTreeSet<_> = self.pending.iter().filter_map(|p| Some(p.activation()?.1)).collect();
        let open = self.requests.values().filter(|request| !self.ended.contains(&request.activation));
        open.filter(move |request| !placed.contains(&request.activation))
    }

    /// A container gets the devices that it asked for, each once, and others none.
    pub(super) fn check_devices(&self, stem: &Stem, gpus: &[GpuId]) {
        let distinct: BTreeSet<_> = gpus.iter().collect();
        assert_eq!(distinct.len(), gpus.len(), "a device twice");
        let count = stem.gpu.as_ref().map_or(0, |limit| match limit.amount {
            GpuAmount::Devices(devices) => devices as usize,
            GpuAmount::Share(_) => 1,
        });
        assert_eq!(gpus.len(), count, "{stem:?} got {gpus:?}");
        let class = stem.gpu.as_ref().and_then(|limit| limit.class.as_ref());
        for id in gpus {
            let device = devices().into_iter().find(|device| device.id == *id).expect("a device of the host");
            assert!(class.is_none_or(|class| *class == device.class), "{stem:?} got {id}");
        }
    }

    /// An image is asked for once, and for one who waits.
    pub(super) fn check_provide(&self, activation: ActivationId) {
        let request = &self.requests[&activation];
        assert!(request.awaits_image && !self.ended.contains(&activation), "nobody wants it");
        assert!(!self.provided.contains(&activation), "it is there");
        self.check_in_time(request);
    }

    /// A user's image is started for one whom it was provided for.
    pub(super) fn check_image(&self, stem: &Stem) {
        let is_for = |id: &ActivationId| *self.requests[id].stem == *stem && !self.ended.contains(id);
        assert!(!stem.is_users_image() || self.provided.iter().any(is_for), "its image may not be there");
    }

    pub(super) fn check_initialise(&self, id: ContainerId, activation: ActivationId, cold: Cold) {
        let request = &self.requests[&activation];
        let container = &self.containers[&id];
        assert_eq!(container.stem, request.stem, "initialised on another stem");
        assert_eq!(container.holds, None, "{id:?} initialised twice");
        self.check_in_time(request);
        let is_same_action =
            |key: &WarmKey| (&key.namespace, &key.action) == (&request.key.namespace, &request.key.action);
        let holders: Vec<_> = self
            .containers
            .values()
            .filter_map(|c| Some((c.holds.as_ref()?, c.is_going)))
            .filter(|(key, _)| is_same_action(key))
            .collect();
        if let Some(limit) = request.instances {
            assert!(holders.len() < limit.max(1) as usize, "{limit} instances, and one more");
        }
        let was_ever = self.ever_held.iter().any(is_same_action);
        assert_eq!(cold.reason == ColdReason::First, !was_ever, "{:?} of {activation}", cold.reason);
        let is_there = holders.iter().any(|(key, is_going)| **key == request.key && !is_going);
        assert_eq!(cold.reason == ColdReason::Busy, is_there, "{:?} of {activation}", cold.reason);
    }

    /// A container serves one namespace, one action, one revision, one binding, one environment.
    pub(super) fn check_serves(&self, id: ContainerId, activation: ActivationId) {
        let request = &self.requests[&activation];
        let container = &self.containers[&id];
        assert_eq!(container.holds.as_ref(), Some(&request.key));
        assert!(!container.is_going, "{id:?} used though it goes");
        self.check_in_time(request);
    }

    fn check_in_time(&self, request: &Request) {
        assert!(request.deadline.is_none_or(|at| at > self.now), "{} began too late", request.activation);
    }

    pub(super) fn check_destroy(&self, id: ContainerId) {
        assert_eq!(self.running_in(id), 0, "{id:?} destroyed while it runs");
        assert!(!self.pending.contains(&Pending::Start(id)), "{id:?} destroyed while it starts");
        assert!(!self.pending.contains(&Pending::Destroy(id)), "{id:?} destroyed twice at once");
    }

    pub(super) fn check_rejection(&self, activation: ActivationId, rejection: &Rejection) {
        let request = &self.requests[&activation];
        let is_true = match rejection {
            Rejection::Expired => request.deadline.is_some_and(|at| at <= self.now),
            Rejection::TooLarge { needs, has } => *needs == request.stem.memory && needs > has,
            Rejection::NoGpu(limit) => Some(limit) == request.stem.gpu.as_ref(),
            Rejection::TooManyCores { .. } => false,
            Rejection::StartFailed(_) => true,
        };
        assert!(is_true, "{activation} rejected: {rejection:?}");
    }

    pub(super) fn check(&self) {
        self.check_books();
        self.check_containers();
        self.check_activations();
        self.check_load();
        self.check_nothing_is_left_undone();
    }

    /// What containers have is counted from the order to start until removal is confirmed, and never exceeds
    /// what there is.
    fn check_books(&self) {
        let host = config();
        let status = self.pool.status();
        let stems = || self.containers.values().map(|known| &known.stem);
        let memory: u32 = stems().map(|stem| stem.memory).sum();
        let cpu: u32 = stems().filter_map(|stem| stem.cpu).map(Cores::thousandths).sum();
        assert!(memory <= host.memory && cpu <= host.cpu.thousandths(), "{memory} MB, {cpu} mCPU");
        assert_eq!((memory, cpu), (status.memory_used, status.cpu_used.thousandths()));
        for report in status.gpus {
            let held: u32 = self.containers.values().map(|known| slots(known, &report.device.id)).sum();
            assert!(held <= report.device.ways, "{held} slots of {}", report.device.id);
            assert_eq!(held, report.device.ways - report.free, "slots of {}", report.device.id);
        }
    }

    fn check_containers(&self) {
        for (id, known) in &self.containers {
            let concurrency = match &known.holds {
                Some(key) if !known.is_serial => concurrency(key),
                _ => 1,
            };
            let runs = self.running_in(*id);
            assert!(runs <= concurrency, "{id:?} runs {runs} of {concurrency}");
        }
        for users in [false, true] {
            let is_such = |p: &&Pending| matches!(p, Pending::Start(id) if self.containers[id].stem.is_users_image() == users);
            let starting = self.pending.iter().filter(is_such).count();
            assert!(starting <= config().parallel_starts, "{starting} start at once");
        }
    }

    fn check_activations(&self) {
        assert_eq!(self.waiting().count(), self.pool.status().waiting, "an activation is lost");
        assert_eq!(self.credit, self.ended.len(), "credit follows ends");
        for at in self.waiting().filter_map(|request| request.deadline) {
            assert!(at > self.now, "one waits too long");
            assert!(self.wake.is_some_and(|wake| wake <= at), "nobody will be woken at {at:?}");
        }
    }

    fn check_load(&self) {
        let load = self.pool.load();
        let running = self.pending.iter().filter(|p| p.activation().is_some()).count();
        assert_eq!((load.running, load.waiting), (running, self.waiting().count()));
        let needed = self.containers.iter().filter(|(id, known)| self.running_in(**id) > 0 || known.is_going);
        let needed: u32 = needed.map(|(_, known)| known.stem.memory).sum();
        let waiting: u32 = self.waiting().map(|request| request.stem.memory).sum();
        assert_eq!(load.memory_free, load.memory_total.saturating_sub(needed + waiting));
        assert!(load.cpu_free <= load.cpu_total);
    }

    /// Going through the whole queue once more finds nothing to do: what events are handled without it loses
    /// nothing.
    fn check_nothing_is_left_undone(&self) {
        let mut pool = self.pool.clone();
        pool.standing.someone_was_denied = true;
        let mut turn = Turn::at(self.now);
        pool.go_through_queue(&mut turn);
        assert_eq!(turn.effects, [], "left undone");
    }
}

/// How many slots of a device a container has.
fn slots(known: &Known, id: &GpuId) -> u32 {
    let Some(limit) = known.stem.gpu.as_ref().filter(|_| known.gpus.contains(id)) else { return 0 };
    let ways = devices().into_iter().find(|device| device.id == *id).map_or(0, |device| device.ways);
    match limit.amount {
        GpuAmount::Devices(_) => ways,
        GpuAmount::Share(parts) => ways.div_ceil(parts),
    }
}
