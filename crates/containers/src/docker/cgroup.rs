//! A container's control groups on this host, in either version of them: what can be told and done there past the
//! engine, which is slower or does not tell it. Each thing has a file of its own below; `whereabouts` finds them.

mod cpu_limit;
mod cpu_meter;
mod freezer;
mod kills;
mod whereabouts;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bollard::models::ContainerInspectResponse;

use self::cpu_limit::CpuLimit;
pub(super) use self::cpu_meter::GroupMeter;
pub(super) use self::freezer::{Freezer, Motion};
use self::kills::KillCounter;
pub(super) use self::kills::Kills;
use self::whereabouts::Whereabouts;

/// Enough for the first lines of any file that is looked at.
const ENOUGH: usize = 256;

/// A container's control groups, as far as this process may use them.
#[derive(Debug)]
pub(super) struct Group {
    pid: i64,
    id: String,
    freezer: Option<Freezer>,
    cpu_limit: Option<CpuLimit>,
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
            cpu_limit: CpuLimit::of(&whereabouts),
            kills: KillCounter::of(&whereabouts),
        };
        Some((group, GroupMeter::of(&whereabouts)))
    }

    /// Whether the first process has ended, which the engine may not know yet.
    pub(super) fn has_ended(&self) -> bool {
        Whereabouts::of(self.pid, &self.id).is_none()
    }

    /// The switch to freeze it directly, if there is one.
    pub(super) fn freezer(&self) -> Option<&Freezer> {
        self.freezer.as_ref()
    }

    /// Takes its CPU limit away, if there is one to be had, so that it can die soon.
    pub(super) fn lift_cpu_limit(&self) -> io::Result<()> {
        self.cpu_limit.as_ref().map_or(Ok(()), CpuLimit::lift)
    }

    /// Whether processes of it were killed for want of memory.
    pub(super) fn kills(&self) -> Kills {
        self.kills.as_ref().map_or(Kills::Untold { old: false }, KillCounter::kills)
    }

    /// Those up to here are no news any more.
    pub(super) fn forget_kills(&self) {
        if let Some(kills) = &self.kills {
            kills.forget();
        }
    }
}

/// Finds something at the beginning of a group's file that is kept open.
///
/// # Errors
/// Where the group is gone the kernel says that there is no such device.
fn read<T>(file: &File, find: impl FnOnce(&str) -> Option<T>) -> io::Result<Option<T>> {
    let mut buffer = [0; ENOUGH];
    let length = file.read_at(&mut buffer, 0)?;
    Ok(buffer.get(..length).and_then(|text| str::from_utf8(text).ok()).and_then(find))
}

/// The same; nothing where the group is gone.
fn look<T>(file: &File, find: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    read(file, find).ok().flatten()
}

/// Writes to a group's file. Unlike `fs::write` it makes none where the group has just gone.
fn write(file: &Path, word: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(file)?.write_all(word.as_bytes())
}
