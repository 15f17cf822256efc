//! The tables: what has to come of what the probes try. Several outcomes are right where it depends on the host's
//! kernel or engine which of them bars the way.

use super::Table;

/// Not there, not for this user, or not on a file system that can be written to.
const BARRED: &str = "ENOENT|EACCES|EPERM|EROFS";

pub(crate) const RIGHTS: &Table = &[
    ("CapEff", "0000000000000000"),
    ("CapPrm", "0000000000000000"),
    ("CapInh", "0000000000000000"),
    ("CapBnd", "0000000000000000"),
    ("CapAmb", "0000000000000000"),
    ("NoNewPrivs", "1"),
    ("Seccomp", "2"),
    ("NoNewPrivs of process 1", "1"),
    ("Seccomp of process 1", "2"),
    ("is root", "no"),
    ("setuid", "EPERM"),
    ("setgid", "EPERM"),
    ("setgroups", "EPERM"),
    ("chown to root", "EPERM"),
    ("a higher priority", "EPERM|EACCES"),
    ("real-time scheduling", "EPERM"),
];

pub(crate) const RIGHTS_IN_PYTHON: &Table = &[
    ("setuid program", "user 65532"),
    ("raise files", "not allowed to raise maximum limit"),
    ("lock much memory", "ENOMEM|EPERM"),
];

pub(crate) const RIGHTS_IN_NODE: &Table =
    &[("setuid program", "Password: su: System error"), ("setpriv to root", "EPERM")];

pub(crate) const KERNEL: &Table = &[
    ("mount", "EPERM"),
    ("mount of proc", "EPERM"),
    ("umount", "EPERM"),
    ("pivot_root", "EPERM"),
    ("chroot", "EPERM"),
    ("unshare user", "EPERM"),
    ("unshare net", "EPERM"),
    ("unshare pid", "EPERM"),
    ("unshare user and mount", "EPERM"),
    ("setns", "EPERM|EACCES"),
    ("mknod of a disk", "EPERM"),
    ("sethostname", "EPERM"),
    ("settimeofday", "EPERM"),
    ("kernel log", "EPERM"),
];

pub(crate) const KERNEL_IN_PYTHON: &Table = &[
    ("remount", "EPERM"),
    ("open_tree", "EPERM"),
    ("unshare mount", "EPERM"),
    ("unshare cgroup", "EPERM"),
    ("clone into namespaces", "EPERM"),
    ("ptrace of process 1", "EPERM"),
    ("ptrace of oneself", "EPERM"),
    ("process_vm_readv of process 1", "EPERM"),
    ("pidfd_getfd", "EPERM"),
    ("kcmp", "EPERM"),
    ("bpf", "EPERM"),
    ("perf_event_open", "EPERM"),
    ("keyctl", "EPERM"),
    ("add_key", "EPERM"),
    ("userfaultfd", "EPERM"),
    ("userfaultfd for user mode", "EPERM"),
    ("io_uring_setup", "EPERM"),
    ("kexec_load", "EPERM"),
    ("init_module", "EPERM"),
    ("finit_module", "EPERM"),
    ("reboot", "EPERM"),
    ("swapon", "EPERM"),
    ("swapoff", "EPERM"),
    ("setdomainname", "EPERM"),
    ("adjtimex", "EPERM"),
    ("acct", "EPERM"),
    ("quotactl", "EPERM"),
    ("open_by_handle_at", "EPERM"),
    ("name_to_handle_at", "EPERM"),
    ("mknod of memory", "EPERM"),
    ("vhangup", "EPERM"),
];

pub(crate) const FILES: &Table = &[
    ("/proc/kcore", "ENOENT|EACCES|EPERM|empty"),
    ("/proc/keys", "ENOENT|EACCES|empty"),
    ("/proc/timer_list", "ENOENT|EACCES|empty"),
    ("/proc/sched_debug", "ENOENT|EACCES|empty"),
    ("/proc/kmsg", "EACCES|EPERM"),
    ("/dev/kmsg", "ENOENT"),
    ("/dev/mem", "ENOENT"),
    ("/proc/1/mem", "EACCES"),
    ("/proc/1/environ", "EACCES"),
    ("/proc/sysrq-trigger", BARRED),
    ("/proc/sys/kernel/core_pattern", BARRED),
    ("/proc/sys/kernel/modprobe", BARRED),
    ("/proc/sys/vm/drop_caches", BARRED),
    ("/proc/sys/net/ipv4/ip_forward", BARRED),
    ("/proc/irq/default_smp_affinity", BARRED),
    ("/proc/self/oom_score_adj", "EACCES"),
    ("/proc/self/uid_map", "EPERM"),
    ("/sys/kernel/uevent_helper", BARRED),
    ("/sys/power/state", BARRED),
    ("/sys/firmware", "ENOENT|empty"),
    ("/sys/kernel/debug", "ENOENT|EACCES|empty"),
    ("own memory limit", BARRED),
    ("a cgroup of one's own", BARRED),
    ("release_agent", BARRED),
    ("docker.sock", "ENOENT"),
    ("containerd.sock", "ENOENT"),
    ("processes", "0 beyond a thousand"),
    ("/tmp", "ok"),
    ("files", "1024 1024"),
    ("core dumps", "0 0"),
    ("pids", "1024"),
    ("memory", "268435456"),
    (
        "devices",
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero|\
         core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
    ),
];

/// What belongs to the image, where the root can be written to, by those who may.
pub(crate) const IMAGE: &Table = &[
    ("/etc/passwd", "EACCES"),
    ("/etc/shadow", "EACCES"),
    ("/usr", "EACCES"),
    ("/", "EACCES"),
    ("the proxy", "EACCES"),
    ("the launcher", "EACCES"),
    ("/var/tmp", "ok"),
];

/// The same where it cannot.
pub(crate) const IMAGE_READ_ONLY: &Table = &[
    ("/etc/passwd", "EROFS|EACCES"),
    ("/etc/shadow", "EACCES"),
    ("/usr", "EROFS"),
    ("/", "EROFS"),
    ("the proxy", "EROFS|EACCES"),
    ("the launcher", "EROFS|EACCES"),
    ("/var/tmp", "EROFS"),
];

pub(crate) const IMAGE_OF_NODE: &Table = &[("modules", "EACCES")];

pub(crate) const SOCKETS: &Table = &[
    ("raw", "EPERM"),
    ("raw of IPv6", "EPERM"),
    ("ping", "EPERM"),
    ("ping with a high bit", "EPERM"),
    ("ping of IPv6", "EPERM"),
    ("ping of IPv6 with a high bit", "EPERM"),
    ("l2tp", "EPERM"),
    ("packet", "EPERM"),
    // It would lead from a virtual machine to whoever runs it, past every firewall.
    ("vsock", "EPERM"),
    ("alg", "EPERM"),
    ("bluetooth", "EPERM"),
    ("can", "EPERM"),
    ("tipc", "EPERM"),
    ("pair of tipc", "EPERM"),
    ("netlink with a high bit", "EPERM"),
    ("key", "EPERM"),
    ("xdp", "EPERM"),
    ("netlink to netfilter", "EPERM"),
    ("netlink to audit", "EPERM"),
    ("routes", "EPERM"),
    ("unix", "ok"),
    ("tcp", "ok"),
    ("udp", "ok"),
    ("tcp by its number", "ok"),
    ("udp by its number", "ok"),
    // Of a family that the host's kernel may not have.
    ("tcp of IPv6", "ok|EAFNOSUPPORT"),
    ("pair", "ok"),
    ("interfaces with IPv6", "none"),
];
