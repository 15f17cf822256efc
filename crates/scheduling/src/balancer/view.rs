//! The invokers at a glance: sets of those that take work, have so much memory, have this tag or GPU, or hold a
//! warm container, kept up to date so that a decision need not look at each. Nothing here is known only here.

use std::collections::BTreeMap;

use whirl_model::{Cores, GpuAmount, GpuClass, GpuLimit};

use super::bitmap::Bitmap;
use super::classes::Classes;
use super::gpus::Gpus;
use super::ledger::StableMap;
use super::request::Request;

/// What matters of an invoker to a decision.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Whether it takes work.
    pub(super) up: bool,
    /// Mebibytes that nobody has claimed; less than none if more wait than fit.
    pub(super) available: i32,
    /// Mebibytes for all containers together.
    pub(super) total: u32,
    /// Activations that wait there.
    pub(super) depth: u32,
}

/// What an invoker has beside memory, of interest only to those who ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Equipment {
    /// Thousandths of CPU cores that nobody has claimed.
    pub(super) cores: u32,
    /// Thousandths of CPU cores for all containers together that ask for their own.
    pub(super) cores_total: u32,
    /// Its GPUs, and what of them nobody has claimed.
    pub(super) gpus: Gpus,
}

/// Who has GPUs of a class.
#[derive(Clone, Debug, Default)]
struct Holders {
    all: Bitmap,
    /// Those where a part of one is free.
    part: Bitmap,
    /// Those where one is wholly free.
    whole: Bitmap,
}

/// What else an invoker offers.
#[derive(Clone, Debug, Default)]
struct Offer {
    tags: Vec<String>,
    /// In ascending order.
    warm: Vec<u64>,
}

/// All invokers, by their numbers.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Activations that may wait at one invoker.
    queue: u32,
    standings: Vec<Standing>,
    equipment: Vec<Equipment>,
    offers: Vec<Offer>,
    up: Bitmap,
    /// Those that are up, by all their memory.
    sizes: Classes,
    /// Those that are up, by the memory that they have left.
    rooms: Classes,
    /// Those that are up and whose queue has room.
    open: Bitmap,
    /// All by the cores that they have left, as [`class_of`] has them.
    cores: Classes,
    /// By class; `None` is any. No class that nobody has.
    gpus: BTreeMap<Option<GpuClass>, Holders>,
    /// Those that have no GPUs.
    without_gpus: Bitmap,
    tags: BTreeMap<String, Bitmap>,
    /// Who has an idle container of the action of this hash; numbers in ascending order, never none.
    warm: StableMap<u64, Vec<u32>>,
}

impl View {
    pub(super) fn new(queue: u32) -> Self {
        Self {
            queue,
            standings: Vec::new(),
            equipment: Vec::new(),
            offers: Vec::new(),
            up: Bitmap::default(),
            sizes: Classes::new(),
            rooms: Classes::new(),
            open: Bitmap::default(),
            cores: Classes::new(),
            gpus: BTreeMap::new(),
            without_gpus: Bitmap::default(),
            tags: BTreeMap::new(),
            warm: StableMap::default(),
        }
    }

    /// Shows an invoker as it is now.
    pub(super) fn show(&mut self, number: u32, standing: Standing) {
        let index = number as usize;
        if index >= self.standings.len() {
            self.standings.resize(index + 1, Standing::default());
        }
        let before = std::mem::replace(&mut self.standings[index], standing);
        let Standing { up, available, total, depth } = standing;
        if (before.up, before.total) != (up, total) {
            self.up.set(number, up);
            self.sizes.set(number, if up { total } else { 0 });
        }
        self.rooms.set(number, if up { u32::try_from(available).unwrap_or_default() } else { 0 });
        self.open.set(number, up && depth < self.queue);
    }

    /// Shows what an invoker has beside memory.
    pub(super) fn equip(&mut self, number: u32, equipment: Equipment) {
        let index = number as usize;
        if index >= self.equipment.len() {
            self.equipment.resize(index + 1, Equipment::default());
        }
        self.without_gpus.set(number, equipment.gpus.is_empty());
        let before = std::mem::replace(&mut self.equipment[index], equipment);
        let after = &self.equipment[index];
        self.cores.set(number, class_of(after.cores));
        if before.gpus == after.gpus {
            return;
        }
        for class in before.gpus.classes().into_iter().chain(after.gpus.classes()) {
            let (all, part, whole) = after.gpus.standing(class.as_ref());
            let holders = self.gpus.entry(class.clone()).or_default();
            holders.all.set(number, all);
            holders.part.set(number, part);
            holders.whole.set(number, whole);
            if holders.all.is_empty() {
                self.gpus.remove(&class);
            }
        }
    }

    /// Shows what an invoker offers, which changes seldom.
    pub(super) fn offer(&mut self, number: u32, tags: &[String], warm: &[u64]) {
        let index = number as usize;
        if index >= self.offers.len() {
            self.offers.resize(index + 1, Offer::default());
        }
        let mut before = std::mem::take(&mut self.offers[index]);
        if before.tags != tags {
            before.tags.iter().for_each(|tag| self.tag(tag, number, false));
            tags.iter().for_each(|tag| self.tag(tag, number, true));
            before.tags = tags.to_vec();
        }
        let mut warm = warm.to_vec();
        warm.sort_unstable();
        warm.dedup();
        let cooled = before.warm.iter().filter(|place| warm.binary_search(place).is_err());
        cooled.for_each(|place| self.cool(*place, number));
        let warmed = warm.iter().filter(|place| before.warm.binary_search(place).is_err());
        warmed.for_each(|place| self.heat(*place, number));
        self.offers[index] = Offer { tags: before.tags, warm };
    }

    fn tag(&mut self, tag: &str, number: u32, has: bool) {
        if let Some(set) = self.tags.get_mut(tag) {
            set.set(number, has);
            if set.is_empty() {
                self.tags.remove(tag);
            }
        } else if has {
            self.tags.entry(tag.to_owned()).or_default().set(number, true);
        }
    }

    fn heat(&mut self, place: u64, number: u32) {
        let holders = self.warm.entry(place).or_default();
        if let Err(index) = holders.binary_search(&number) {
            holders.insert(index, number);
        }
    }

    fn cool(&mut self, place: u64, number: u32) {
        if let Some(holders) = self.warm.get_mut(&place) {
            holders.retain(|holder| *holder != number);
            if holders.is_empty() {
                self.warm.remove(&place);
            }
        }
    }

    pub(super) fn standing(&self, number: u32) -> Standing {
        self.standings.get(number as usize).copied().unwrap_or_default()
    }

    /// Doublings that all numbers fit under.
    pub(super) fn levels(&self) -> usize {
        self.standings.len().next_power_of_two().ilog2() as usize
    }

    /// Whether anyone takes work.
    pub(super) fn is_anyone_up(&self) -> bool {
        !self.up.is_empty()
    }

    /// Those that take work and have about so much memory in all: none that has it is missing.
    pub(super) fn large(&self, memory: u32) -> &Bitmap {
        self.sizes.perhaps(memory).unwrap_or(&self.up)
    }

    /// Those that take work and have so much memory left: all that are listed have it. `None` if no invoker
    /// can be so large.
    pub(super) fn roomy(&self, memory: u32) -> Option<&Bitmap> {
        self.rooms.surely(memory)
    }

    /// Those that take work and where one more may wait.
    pub(super) fn open(&self) -> &Bitmap {
        &self.open
    }

    /// Adds the sets that who can ever run the activation is in all of, beside those of memory and cores. Whether
    /// there are such: not if there is a tag or a class of GPUs that nobody has.
    pub(super) fn suitable<'a>(&'a self, request: &Request, sets: &mut Vec<&'a Bitmap>) -> bool {
        if request.tags.is_empty() && request.gpu.is_none() {
            return true;
        }
        let Some(tagged) = self.tagged(&request.tags) else { return false };
        sets.extend(tagged);
        let holders = request.gpu.as_ref().map(|gpu| self.gpus.get(&gpu.class));
        sets.extend(holders.flatten().map(|holders| &holders.all));
        !matches!(holders, Some(None))
    }

    /// Who has each of the tags. `None` if there is one that nobody has.
    pub(super) fn tagged(&self, tags: &[String]) -> Option<Vec<&Bitmap>> {
        tags.iter().map(|tag| self.tags.get(tag)).collect()
    }

    /// Sets that who has cores and GPUs for the activation now is in all of; not all that are in them have. `None`
    /// if nobody has.
    pub(super) fn equipped(&self, request: &Request) -> Option<Vec<&Bitmap>> {
        let mut sets = Vec::new();
        if let Some(cpu) = request.cpu {
            sets.push(self.cores.perhaps(class_of(cpu.thousandths())).unwrap_or(&self.up));
        }
        if let Some(gpu) = &request.gpu {
            let holders = self.gpus.get(&gpu.class)?;
            sets.push(match gpu.amount {
                GpuAmount::Devices(_) => &holders.whole,
                GpuAmount::Share(_) => &holders.part,
            });
        }
        Some(sets)
    }

    /// Those without GPUs, for an activation that needs none where others have some.
    pub(super) fn spared(&self, request: &Request) -> Option<&Bitmap> {
        (!self.gpus.is_empty() && request.gpu.is_none()).then_some(&self.without_gpus)
    }

    /// Whether the invoker has enough of everything that is counted, if nothing else ran there.
    pub(super) fn fits(&self, number: u32, request: &Request) -> bool {
        self.standing(number).total >= request.memory
            && (request.is_plain() || self.has_cores(number, request) && self.has_gpus(number, request))
    }

    /// The same but for GPUs.
    pub(super) fn is_large(&self, number: u32, request: &Request) -> bool {
        self.standing(number).total >= request.memory && self.has_cores(number, request)
    }

    fn has_cores(&self, number: u32, request: &Request) -> bool {
        let enough = |cpu: Cores| self.equipment(number).is_some_and(|e| e.cores_total >= cpu.thousandths());
        request.cpu.is_none_or(enough)
    }

    fn has_gpus(&self, number: u32, request: &Request) -> bool {
        let enough = |gpu: &GpuLimit| self.equipment(number).is_some_and(|e| e.gpus.could(gpu));
        request.gpu.as_ref().is_none_or(enough)
    }

    /// Whether nobody has claimed what the activation needs there.
    pub(super) fn has_room(&self, number: u32, request: &Request) -> bool {
        i64::from(self.standing(number).available) >= i64::from(request.memory)
            && (request.is_plain() || self.is_equipped(number, request))
    }

    /// Whether nobody has claimed the cores and the GPUs.
    fn is_equipped(&self, number: u32, request: &Request) -> bool {
        self.equipment(number).is_some_and(|equipment| {
            request.cpu.is_none_or(|cpu| equipment.cores >= cpu.thousandths())
                && request.gpu.as_ref().is_none_or(|gpu| equipment.gpus.can(gpu))
        })
    }

    fn equipment(&self, number: u32) -> Option<&Equipment> {
        self.equipment.get(number as usize)
    }

    /// Who has an idle container of the action of this hash.
    pub(super) fn warm(&self, place: u64) -> &[u32] {
        self.warm.get(&place).map_or(&[], Vec::as_slice)
    }
}

/// Thousandths of cores on the scale of [`Classes`], so that whole cores, halves and quarters are classes of their
/// own.
fn class_of(thousandths: u32) -> u32 {
    u32::try_from(u64::from(thousandths) * 1024 / 1000).unwrap_or(u32::MAX)
}
