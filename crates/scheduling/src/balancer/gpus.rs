//! The GPUs of one host, and how much of each nobody has claimed. Which device a container gets is its pool's
//! business; here it only matters whether there is one.

use std::sync::Arc;

use whirl_model::{GpuAmount, GpuClass, GpuLimit, GpuReport};

/// What is the same about a device for ever.
#[derive(Debug, PartialEq, Eq)]
struct Device {
    class: GpuClass,
    /// How many shares of it there are, at least 1.
    ways: u32,
}

impl Device {
    fn is_of(&self, class: Option<&GpuClass>) -> bool {
        class.is_none_or(|class| *class == self.class)
    }

    /// How many of its ways an activation takes that has a part in it.
    fn part(&self, amount: GpuAmount) -> u32 {
        match amount {
            GpuAmount::Devices(_) => self.ways,
            GpuAmount::Share(parts) => self.ways.div_ceil(parts.max(1)),
        }
    }
}

/// How many devices an activation has a part in.
fn count(amount: GpuAmount) -> usize {
    match amount {
        GpuAmount::Devices(devices) => devices as usize,
        GpuAmount::Share(_) => 1,
    }
}

/// The devices of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gpus {
    devices: Arc<[Device]>,
    /// How many ways of each are free, in the order of the devices.
    free: Vec<u32>,
}

impl Gpus {
    /// As a report tells of them.
    pub(super) fn new(reports: &[GpuReport]) -> Self {
        let device =
            |gpu: &GpuReport| Device { class: gpu.device.class.clone(), ways: gpu.device.ways.max(1) };
        let devices: Arc<[_]> = reports.iter().map(device).collect();
        let free = devices.iter().zip(reports).map(|(device, gpu)| gpu.free.min(device.ways)).collect();
        Self { devices, free }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Each class once, and `None`, which stands for any; nothing if there are no devices.
    pub(super) fn classes(&self) -> Vec<Option<GpuClass>> {
        let mut classes: Vec<_> = self.devices.iter().map(|device| Some(device.class.clone())).collect();
        classes.sort_unstable();
        classes.dedup();
        classes.extend((!self.is_empty()).then_some(None));
        classes
    }

    /// Whether there is a device of the class, one with a way free, and one that is wholly free.
    pub(super) fn standing(&self, class: Option<&GpuClass>) -> (bool, bool, bool) {
        let free =
            |least: fn(&Device) -> u32| self.of(class).any(|i| self.free[i] >= least(&self.devices[i]));
        (free(|_| 0), free(|_| 1), free(|device| device.ways))
    }

    /// Whether the host could do it if nothing else ran there.
    pub(super) fn could(&self, limit: &GpuLimit) -> bool {
        self.of(limit.class.as_ref()).count() >= count(limit.amount)
    }

    /// Whether it can now.
    pub(super) fn can(&self, limit: &GpuLimit) -> bool {
        self.with_room(limit).count() >= count(limit.amount)
    }

    /// Takes what an activation needs, out of those that have least left; of each kind that would do, as nobody
    /// knows which it will be. Where there is not enough of a kind, the activation may wait for it, so that nothing
    /// is left for who comes later.
    pub(super) fn take(&mut self, limit: &GpuLimit) {
        let devices = Arc::clone(&self.devices);
        for (first, kind) in devices.iter().enumerate() {
            if !kind.is_of(limit.class.as_ref()) || devices[..first].contains(kind) {
                continue;
            }
            let (part, free) = (kind.part(limit.amount), &mut self.free);
            let of_kind = || (first..devices.len()).filter(|i| devices[*i] == *kind);
            let mut with_room: Vec<_> = of_kind().filter(|i| free[*i] >= part).collect();
            if with_room.len() >= count(limit.amount) {
                with_room.sort_by_key(|i| free[*i]);
                with_room.into_iter().take(count(limit.amount)).for_each(|i| free[i] -= part);
            } else {
                of_kind().for_each(|i| free[i] = 0);
            }
        }
    }

    /// Gives back what an activation needed, to those that have least left. Which ones it had is not known: where
    /// that matters nothing is given back.
    pub(super) fn give_back(&mut self, limit: &GpuLimit) {
        let mut theirs: Vec<_> = self.of(limit.class.as_ref()).collect();
        let alike = theirs.windows(2).all(|pair| self.devices[pair[0]] == self.devices[pair[1]]);
        theirs.retain(|i| self.devices[*i].ways - self.free[*i] >= self.devices[*i].part(limit.amount));
        if !alike || theirs.len() < count(limit.amount) {
            return;
        }
        theirs.sort_by_key(|i| self.free[*i]);
        for i in theirs.into_iter().take(count(limit.amount)) {
            self.free[i] += self.devices[i].part(limit.amount);
        }
    }

    /// Those of a class, or all.
    fn of(&self, class: Option<&GpuClass>) -> impl Iterator<Item = usize> {
        (0..self.devices.len()).filter(move |i| self.devices[*i].is_of(class))
    }

    /// Those in which an activation can have a part now.
    fn with_room(&self, limit: &GpuLimit) -> impl Iterator<Item = usize> {
        self.of(limit.class.as_ref()).filter(|i| self.free[*i] >= self.devices[*i].part(limit.amount))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use whirl_model::{GpuDevice, GpuId};

    use super::*;

    /// Devices of these classes and ways, all free.
    pub(in crate::balancer) fn devices(kinds: &[(&str, u32)]) -> Vec<GpuReport> {
        let device = |(n, (class, ways)): (usize, &(&str, u32))| GpuDevice {
            id: GpuId::new(format!("GPU-{n}")),
            model: "a GPU".to_owned(),
            class: class.parse().unwrap(),
            memory: 0,
            ways: *ways,
        };
        kinds.iter().enumerate().map(|kind| GpuReport { device: device(kind), free: kind.1.1 }).collect()
    }

    /// So many GPUs, or so much of one, of any class.
    pub(in crate::balancer) fn limit(number: f64) -> GpuLimit {
        GpuLimit { amount: GpuAmount::from_number(number).unwrap(), class: None }
    }

    /// The same of a class.
    pub(in crate::balancer) fn limit_of(class: &str, number: f64) -> GpuLimit {
        GpuLimit { class: Some(class.parse().unwrap()), ..limit(number) }
    }

    #[test]
    fn whole_devices_and_shares_keep_out_of_each_others_way() {
        let mut gpus = Gpus::new(&devices(&[("a", 4), ("a", 4)]));
        let (one, two, half, quarter) = (limit(1.0), limit(2.0), limit(0.5), limit(0.25));
        assert!(gpus.can(&two) && !gpus.could(&limit(3.0)));
        gpus.take(&quarter);
        assert!(gpus.can(&one) && gpus.could(&two) && !gpus.can(&two));
        gpus.take(&half);
        gpus.take(&one);
        assert_eq!(gpus.free, [1, 0], "shares go where shares are");
        assert!(gpus.can(&quarter) && !gpus.can(&half));
        gpus.give_back(&one);
        assert_eq!(gpus.free, [1, 4]);
    }

    #[test]
    fn an_unshared_device_is_taken_whole_and_a_class_is_kept_to() {
        let mut gpus = Gpus::new(&devices(&[("a", 1), ("b", 1)]));
        gpus.take(&limit_of("b", 0.25));
        assert_eq!(gpus.free, [1, 0]);
        assert!(!gpus.could(&limit_of("b", 2.0)) && gpus.could(&limit(2.0)));
        gpus.take(&limit(1.0));
        gpus.give_back(&limit(1.0));
        assert_eq!(gpus.free, [0, 0], "it may have been either");
    }

    #[test]
    fn who_waits_comes_before_those_that_would_fit() {
        let mut gpus = Gpus::new(&devices(&[("a", 2), ("a", 2), ("b", 2)]));
        gpus.take(&limit_of("a", 0.5));
        gpus.take(&limit_of("a", 2.0));
        assert_eq!(gpus.free, [0, 0, 2]);
    }
}
