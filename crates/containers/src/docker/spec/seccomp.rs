//! The system calls that an action may make: an allow-list for the engine, in place of its own, which depends on
//! the engine's version and leaves open what no action needs and what leads past the firewall. Pure.
//!
//! Everything else fails with EPERM. What is left out on purpose: namespaces and mounts, other processes' memory,
//! io_uring, keys, BPF, performance counters, modules, clocks, the kernel's log, and sockets other than those of
//! the internet, of this host's files, and for asking about one's own network.

use serde_json::{Value, json};

const FILES: &[&str] = &[
    "access",
    "cachestat",
    "chdir",
    "chmod",
    "chown",
    "close",
    "close_range",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fcntl",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "futimesat",
    "getcwd",
    "getdents",
    "getdents64",
    "getxattr",
    "getxattrat",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
    "ioctl",
    "lchown",
    "lgetxattr",
    "link",
    "linkat",
    "listxattr",
    "listxattrat",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "removexattr",
    "removexattrat",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "setxattr",
    "setxattrat",
    "splice",
    "stat",
    "statfs",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "tee",
    "truncate",
    "umask",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimes",
    "vmsplice",
    "write",
    "writev",
];

const MEMORY: &[&str] = &[
    "brk",
    "madvise",
    "map_shadow_stack",
    "membarrier",
    "memfd_create",
    "memfd_secret",
    "mincore",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mprotect",
    "mremap",
    "mseal",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "remap_file_pages",
];

const PROCESSES: &[&str] = &[
    "arch_prctl",
    "capget",
    "capset",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "fork",
    "futex",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "get_robust_list",
    "getcpu",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getsid",
    "gettid",
    "getuid",
    "ioprio_get",
    "ioprio_set",
    "kill",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "pidfd_open",
    "pidfd_send_signal",
    "prctl",
    "prlimit64",
    "process_madvise",
    "process_mrelease",
    "restart_syscall",
    "rseq",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "set_robust_list",
    "set_tid_address",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setrlimit",
    "setsid",
    "setuid",
    "tgkill",
    "tkill",
    "vfork",
    "wait4",
    "waitid",
];

const SIGNALS_AND_TIME: &[&str] = &[
    "adjtimex",
    "alarm",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getitimer",
    "gettimeofday",
    "nanosleep",
    "pause",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "setitimer",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
    "times",
];

const COMMUNICATION: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "connect",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "eventfd",
    "eventfd2",
    "getpeername",
    "getsockname",
    "getsockopt",
    "listen",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedsend",
    "mq_unlink",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect6",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "select",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "shutdown",
];

const ABOUT_THE_SYSTEM: &[&str] = &["getrandom", "riscv_flush_icache", "riscv_hwprobe", "sysinfo", "uname"];

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;
const NETLINK_ROUTE: u64 = 0;
/// What a socket of the internet may speak: its type's own protocol, TCP, UDP, SCTP, UDP-Lite and Multipath TCP. Left
/// out are those of ICMP above all, with which any address could be pinged.
const PROTOCOLS: [u64; 6] = [0, 6, 17, 132, 136, 262];
/// The part of a register that the kernel takes for an `int`.
const INT: u64 = 0xffff_ffff;
/// Of `clone`: the flags that make namespaces.
const NEW_NAMESPACES: u64 = 0x7e02_0000;
/// Of `personality`: Linux as it is, with 32 bits, with an old version's number, and the question which one it is.
const PERSONALITIES: [u64; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];
const ENOSYS: u32 = 38;

/// The engine's security option. It names no architecture, so that only the host's own is let through: with
/// another, such as 32 bits, the same numbers would be other calls.
pub(super) fn option() -> String {
    format!("seccomp={}", profile())
}

fn profile() -> Value {
    let unconditional =
        [FILES, MEMORY, PROCESSES, SIGNALS_AND_TIME, COMMUNICATION, ABOUT_THE_SYSTEM].concat();
    let mut rules = vec![
        json!({"names": unconditional, "action": "SCMP_ACT_ALLOW"}),
        allow("clone", &[masked(0, NEW_NAMESPACES, 0)]),
        // Its flags are out of a filter's reach; whoever is told that it is not there takes `clone`.
        json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS}),
        allow("socket", &[int(0, AF_UNIX)]),
        allow("socket", &[int(0, AF_NETLINK), int(2, NETLINK_ROUTE)]),
        allow("socketpair", &[int(0, AF_UNIX)]),
    ];
    for family in [AF_INET, AF_INET6] {
        rules.extend(PROTOCOLS.map(|protocol| allow("socket", &[int(0, family), int(2, protocol)])));
    }
    rules.extend(PERSONALITIES.map(|which| allow("personality", &[int(0, which)])));
    json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules})
}

/// Lets a call through whose arguments are all like this.
fn allow(name: &str, arguments: &[Value]) -> Value {
    json!({"names": [name], "action": "SCMP_ACT_ALLOW", "args": arguments})
}

/// As the kernel reads it: the upper half of the register is whatever its caller likes.
fn int(index: u32, value: u64) -> Value {
    masked(index, INT, value)
}

fn masked(index: u32, mask: u64, value: u64) -> Value {
    json!({"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_is_not_let_through() {
        let profile = profile();
        assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
        let rules = profile["syscalls"].as_array().unwrap();
        let free: Vec<&str> =
            rules[0]["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for call in [
            "mount",
            "umount2",
            "unshare",
            "setns",
            "ptrace",
            "process_vm_writev",
            "pidfd_getfd",
            "bpf",
            "keyctl",
            "io_uring_setup",
            "userfaultfd",
            "perf_event_open",
            "clone",
            "clone3",
            "socket",
            "socketpair",
            "personality",
        ] {
            assert!(!free.contains(&call), "{call}");
        }
    }

    /// The calls of that name that are let through: of each argument that counts its place and its value.
    fn let_through(name: &str) -> Vec<Vec<(u64, u64)>> {
        let number = |value: &Value| value.as_u64().unwrap();
        let argument = |argument: &Value| {
            assert_eq!((&argument["op"], number(&argument["value"])), (&json!("SCMP_CMP_MASKED_EQ"), INT));
            (number(&argument["index"]), number(&argument["valueTwo"]))
        };
        let profile = profile();
        let rules =
            profile["syscalls"].as_array().unwrap().iter().filter(|rule| rule["names"] == json!([name]));
        rules.map(|rule| rule["args"].as_array().unwrap().iter().map(argument).collect()).collect()
    }

    #[test]
    fn sockets_are_told_by_what_the_kernel_reads_and_none_pings() {
        assert_eq!(let_through("socketpair"), [[(0, AF_UNIX)]]);
        let sockets = let_through("socket");
        for (family, protocol) in [(AF_INET, 6), (AF_INET, 17), (AF_INET6, 0), (AF_NETLINK, NETLINK_ROUTE)] {
            assert!(sockets.contains(&vec![(0, family), (2, protocol)]), "{family} {protocol}");
        }
        let (icmp, icmp_of_ipv6) = (1, 58);
        for socket in sockets {
            assert!(socket == [(0, AF_UNIX)] || socket.len() == 2, "{socket:?}");
            assert!(!socket.contains(&(2, icmp)) && !socket.contains(&(2, icmp_of_ipv6)), "{socket:?}");
        }
    }

    #[test]
    fn every_call_is_listed_once() {
        let mut all = [FILES, MEMORY, PROCESSES, SIGNALS_AND_TIME, COMMUNICATION, ABOUT_THE_SYSTEM].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
