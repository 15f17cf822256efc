//! The GPUs of a host in slots. One that is not shared has one slot, one that is shared N ways has N. Whole
//! devices go to one container alone; a share is some slots of one device, and goes where others have shares
//! already, so that whole devices stay free.

use whirl_model::{GpuAmount, GpuClass, GpuDevice, GpuId, GpuLimit, GpuReport};

/// All devices of a host.
#[derive(Clone, Debug)]
pub(in crate::pool) struct Gpus(Vec<Gpu>);

#[derive(Clone, Debug)]
struct Gpu {
    device: GpuDevice,
    /// How many of its slots containers hold.
    held: u32,
}

/// Some of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    pub(super) device: GpuId,
    pub(super) class: GpuClass,
    pub(super) count: u32,
}

/// Whether a device of this class is what is asked for.
pub(super) fn suits(limit: &GpuLimit, class: &GpuClass) -> bool {
    limit.class.as_ref().is_none_or(|wanted| wanted == class)
}

/// Whether one device could be what both ask for.
pub(super) fn compete(one: &GpuLimit, other: &GpuLimit) -> bool {
    one.class.as_ref().is_none_or(|class| suits(other, class))
}

impl Gpu {
    fn total(&self) -> u32 {
        self.device.ways.max(1)
    }

    fn free(&self) -> u32 {
        self.total() - self.held
    }

    fn is_shared(&self) -> bool {
        self.total() > 1
    }

    /// The slots of one of `parts` equal parts, rounded up.
    fn share(&self, parts: u32) -> u32 {
        self.total().div_ceil(parts.max(1))
    }

    fn slots(&self, count: u32) -> Slots {
        Slots { device: self.device.id.clone(), class: self.device.class.clone(), count }
    }
}

impl Gpus {
    pub(super) fn new(devices: &[GpuDevice]) -> Self {
        Self(devices.iter().map(|device| Gpu { device: device.clone(), held: 0 }).collect())
    }

    fn suitable<'a>(&'a self, limit: &'a GpuLimit) -> impl Iterator<Item = &'a Gpu> {
        self.0.iter().filter(|gpu| suits(limit, &gpu.device.class))
    }

    /// Whether there would be enough if nobody had any.
    pub(super) fn could_ever_give(&self, limit: &GpuLimit) -> bool {
        let needed = match limit.amount {
            GpuAmount::Devices(devices) => devices as usize,
            GpuAmount::Share(_) => 1,
        };
        self.suitable(limit).count() >= needed
    }

    /// What a container that asks for this would get now.
    pub(super) fn choose(&self, limit: &GpuLimit) -> Option<Vec<Slots>> {
        match limit.amount {
            GpuAmount::Devices(devices) => self.choose_whole(limit, devices as usize),
            GpuAmount::Share(parts) => self.choose_share(limit, parts).map(|slots| vec![slots]),
        }
    }

    /// Devices that cannot be shared before those that can.
    fn choose_whole(&self, limit: &GpuLimit, devices: usize) -> Option<Vec<Slots>> {
        let mut free: Vec<&Gpu> = self.suitable(limit).filter(|gpu| gpu.held == 0).collect();
        free.sort_by_key(|gpu| gpu.total());
        (free.len() >= devices).then(|| free[..devices].iter().map(|gpu| gpu.slots(gpu.total())).collect())
    }

    /// The fullest device with enough room; an untouched one only if there is no other, and one that cannot be
    /// shared, which then goes as a whole, last of all.
    fn choose_share(&self, limit: &GpuLimit, parts: u32) -> Option<Slots> {
        let fitting = self.suitable(limit).filter(|gpu| gpu.share(parts) <= gpu.free());
        let chosen = fitting.min_by_key(|gpu| (gpu.held == 0, !gpu.is_shared(), gpu.free()))?;
        Some(chosen.slots(chosen.share(parts)))
    }

    pub(super) fn hold(&mut self, all: &[Slots]) {
        self.each(all, |gpu, count| gpu.held += count);
    }

    pub(super) fn give_back(&mut self, all: &[Slots]) {
        self.each(all, |gpu, count| gpu.held -= count);
    }

    fn each(&mut self, all: &[Slots], change: impl Fn(&mut Gpu, u32)) {
        for slots in all {
            if let Some(gpu) = self.0.iter_mut().find(|gpu| gpu.device.id == slots.device) {
                change(gpu, slots.count);
            }
        }
    }

    /// Counts what somebody waits for as held. Where there is not enough of it, all that would do is.
    pub(super) fn earmark(&mut self, limit: &GpuLimit) {
        match self.choose(limit) {
            Some(slots) => self.hold(&slots),
            None => {
                let suitable = self.0.iter_mut().filter(|gpu| suits(limit, &gpu.device.class));
                suitable.for_each(|gpu| gpu.held = gpu.total());
            }
        }
    }

    /// All slots that are held.
    pub(in crate::pool) fn held(&self) -> u32 {
        self.0.iter().map(|gpu| gpu.held).sum()
    }

    /// The devices, and how many slots of each are not held.
    pub(in crate::pool) fn report(&self) -> Vec<GpuReport> {
        self.0.iter().map(|gpu| GpuReport { device: gpu.device.clone(), free: gpu.free() }).collect()
    }
}
