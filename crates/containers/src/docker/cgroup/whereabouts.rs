//! Finds the folders of a container's own control groups. What is read and written there is its neighbours' business.

use std::path::{Path, PathBuf};

/// The two layouts that the kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A hierarchy of folders for each controller.
    One,
    /// One for all.
    Two,
}

/// A container's folder for one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) version: Version,
    pub(super) path: PathBuf,
}

/// What the kernel says about a process and its control groups, of `/proc/PID/cgroup` and
/// `/proc/self/mountinfo`.
#[derive(Clone, Debug)]
pub(super) struct Whereabouts {
    id: String,
    groups: String,
    mounts: String,
}

impl Whereabouts {
    /// Of the container `id`, whose first process is `pid`. Nothing if that process is gone, or is another one
    /// that has got the number, or is not of this host.
    pub(super) fn of(pid: i64, id: &str) -> Option<Self> {
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
        groups.contains(id).then(|| Self { id: id.to_owned(), groups, mounts })
    }

    /// The folder of the container itself for a controller, such as `freezer`. It may not exist.
    pub(super) fn folder(&self, controller: &str) -> Option<Folder> {
        let groups = || self.groups.lines().filter_map(group);
        let one = groups().find(|(controllers, _)| controllers.split(',').any(|c| c == controller));
        let (version, (_, path)) = match one {
            Some(found) => (Version::One, found),
            None => (Version::Two, groups().find(|(controllers, _)| controllers.is_empty())?),
        };
        let path = own(Path::new(path), &self.id)?;
        let mount = self.mounts.lines().filter_map(mount).find(|mount| match version {
            Version::One => mount.kind == "cgroup" && mount.options.split(',').any(|o| o == controller),
            Version::Two => mount.kind == "cgroup2",
        })?;
        // Where only a part of the tree is mounted, the rest cannot be seen.
        let below = path.strip_prefix(mount.root).ok()?;
        Some(Folder { version, path: Path::new(mount.point).join(below) })
    }
}

/// Controllers and path in a line such as `5:memory:/docker/ID`; version 2 names no controllers.
fn group(line: &str) -> Option<(&str, &str)> {
    let (_hierarchy, rest) = line.split_once(':')?;
    rest.split_once(':')
}

/// The path up to the folder that carries the container's id. What is in a namespace that cannot be seen from here
/// begins with `..`.
fn own<'a>(path: &'a Path, id: &str) -> Option<&'a Path> {
    if path.components().any(|part| part == std::path::Component::ParentDir) {
        return None;
    }
    let names_it = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(id));
    path.ancestors().filter(|path| names_it(path)).last()
}

struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

/// A line such as `30 25 0:26 / /sys/fs/cgroup/freezer rw,relatime shared:9 - cgroup cgroup rw,freezer`.
fn mount(line: &str) -> Option<Mount<'_>> {
    let (place, what) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let mut what = what.split(' ');
    let (root, point) = (place.next()?, place.next()?);
    let (kind, options) = (what.next()?, what.nth(1)?);
    Some(Mount { root, point, kind, options })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "\
25 1 0:23 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro
30 25 0:26 / /sys/fs/cgroup/freezer rw shared:9 - cgroup cgroup rw,freezer
31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
39 25 0:35 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
    const TWO: &str = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    fn found(groups: &str, mounts: &str, controller: &str) -> Option<(Version, String)> {
        let whereabouts =
            Whereabouts { id: "c0ffee".to_owned(), groups: groups.to_owned(), mounts: mounts.to_owned() };
        let folder = whereabouts.folder(controller)?;
        Some((folder.version, folder.path.to_str()?.to_owned()))
    }

    #[test]
    fn version_1_has_a_folder_per_controller() {
        let groups = "7:freezer:/docker/c0ffee\n2:cpu,cpuacct:/docker/c0ffee\n0::/\n";
        let folder = |path: &str| Some((Version::One, path.to_owned()));
        assert_eq!(found(groups, ONE, "freezer"), folder("/sys/fs/cgroup/freezer/docker/c0ffee"));
        assert_eq!(found(groups, ONE, "cpuacct"), folder("/sys/fs/cgroup/cpu,cpuacct/docker/c0ffee"));
        assert_eq!(found(groups, ONE, "memory"), None);
    }

    #[test]
    fn version_2_has_one_for_all_under_either_driver() {
        for (group, path) in [
            ("/system.slice/docker-c0ffee.scope", "/sys/fs/cgroup/system.slice/docker-c0ffee.scope"),
            ("/docker/c0ffee", "/sys/fs/cgroup/docker/c0ffee"),
            // Where the container made groups of its own.
            ("/docker/c0ffee/init.scope", "/sys/fs/cgroup/docker/c0ffee"),
        ] {
            assert_eq!(
                found(&format!("0::{group}\n"), TWO, "freezer"),
                Some((Version::Two, path.to_owned()))
            );
        }
    }

    #[test]
    fn a_part_of_the_tree_is_followed_as_far_as_it_is_mounted() {
        let mounts = TWO.replace("0:26 / ", "0:26 /system.slice ");
        let folder = found("0::/system.slice/docker-c0ffee.scope\n", &mounts, "cpu").unwrap();
        assert_eq!(folder.1, "/sys/fs/cgroup/docker-c0ffee.scope");
        assert_eq!(found("0::/docker/c0ffee\n", &mounts, "cpu"), None);
        assert_eq!(found("0::/../docker/c0ffee\n", TWO, "cpu"), None);
    }

    #[test]
    fn the_groups_of_others_are_never_taken() {
        assert_eq!(found("0::/docker/beef\n", TWO, "freezer"), None);
        assert_eq!(found("0::/\n", TWO, "freezer"), None);
        let own = i64::from(std::process::id());
        assert!(Whereabouts::of(own, "c0ffee").is_none());
    }
}
