"""Tries from inside of a container what an action must not be able to do, and tells for each what came of it: `ok`,
the name of the error, or what was seen. It judges nothing; the tables of expected outcomes are in the tests."""

import ctypes
import errno
import os
import platform
import resource
import socket
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
# System calls without a function of libc's, by machine.
NUMBERS = {
    "x86_64": {
        "add_key": 248, "bpf": 321, "finit_module": 313, "init_module": 175, "io_uring_setup": 425, "kcmp": 312,
        "kexec_load": 246, "keyctl": 250, "name_to_handle_at": 303, "open_tree": 428, "perf_event_open": 298,
        "pidfd_getfd": 438, "pivot_root": 155, "process_vm_readv": 310, "socket": 41, "socketpair": 53, "userfaultfd": 323,
    },
    "aarch64": {
        "add_key": 217, "bpf": 280, "finit_module": 273, "init_module": 105, "io_uring_setup": 425, "kcmp": 272,
        "kexec_load": 104, "keyctl": 219, "name_to_handle_at": 264, "open_tree": 428, "perf_event_open": 241,
        "pidfd_getfd": 438, "pivot_root": 41, "process_vm_readv": 270, "socket": 198, "socketpair": 199, "userfaultfd": 282,
    },
}[platform.machine()]
CLONE = {"x86_64": 56, "aarch64": 220}[platform.machine()]
NEW_USER, NEW_PID, NEW_NET, NEW_NS, NEW_CGROUP = 0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000
FILES = ctypes.create_string_buffer(4096)
# In a register of which the kernel reads the lower half alone.
HIGH_BIT = 1 << 32


def named(number):
    return errno.errorcode.get(number, str(number))


def call(function, *arguments):
    """A function of libc's: `ok` or the error's name."""
    ctypes.set_errno(0)
    return "ok" if getattr(LIBC, function)(*arguments) >= 0 else named(ctypes.get_errno())


def system_call(name, *arguments):
    ctypes.set_errno(0)
    words = [a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in arguments]
    return "ok" if LIBC.syscall(ctypes.c_long(NUMBERS[name]), *words) >= 0 else named(ctypes.get_errno())


def attempt(deed):
    """What came of it: `ok`, the text it gave, or the name of the error it raised."""
    try:
        seen = deed()
    except OSError as error:
        return named(error.errno) if error.errno else type(error).__name__
    return seen if isinstance(seen, str) else "ok"


def in_a_child(deed):
    """The same in a process of its own, which its success would change for good."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, attempt(deed).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        seen = pipe.read().decode()
    os.waitpid(pid, 0)
    return seen


def write(path, text="1", flags=os.O_WRONLY):
    def deed():
        descriptor = os.open(path, flags, 0o600)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    return attempt(deed)


def create(path):
    seen = write(path, flags=os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    if seen == "ok":
        os.unlink(path)
    return seen


def read(path, count=1):
    with open(path, "rb") as file:
        return file.read(count)


def status(name, pid="self"):
    for line in read(f"/proc/{pid}/status", 1 << 16).decode().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].split()[0]
    return "missing"


def limit(name):
    return " ".join(str(value) for value in resource.getrlimit(getattr(resource, name)))


def group(*paths):
    """The first of these files of the control groups that is there."""
    for path in paths:
        if os.path.exists("/sys/fs/cgroup/" + path):
            return read("/sys/fs/cgroup/" + path, 100).decode().strip()
    return "missing"


def group_file():
    for path in ("memory/memory.limit_in_bytes", "memory.max"):
        if os.path.exists("/sys/fs/cgroup/" + path):
            return "/sys/fs/cgroup/" + path
    return "/sys/fs/cgroup/missing"


def any_socket(family, kind, protocol=0):
    return attempt(lambda: socket.socket(family, kind, protocol).close())


def netlink(protocol):
    return any_socket(16, socket.SOCK_RAW, protocol)


def change_routes():
    """Asks the kernel to delete the default route: an RTM_DELROUTE for 0.0.0.0/0, to be confirmed."""
    with socket.socket(16, socket.SOCK_RAW, 0) as link:
        link.bind((0, 0))
        route = bytes([socket.AF_INET, 0, 0, 0, 254, 0, 0, 0]) + bytes(4)
        header = (16 + len(route)).to_bytes(4, "little") + (25).to_bytes(2, "little")
        link.send(header + (0x5).to_bytes(2, "little") + bytes(8) + route)
        answer = link.recv(4096)
        return named(-int.from_bytes(answer[16:20], "little", signed=True)) if answer[16:20] != bytes(4) else "ok"


def setuid_program():
    """The effective user of a program that belongs to root and has the setuid bit, while it runs."""
    child = subprocess.Popen(["su", "-c", "id"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = set()
    deadline = time.monotonic() + 5
    while child.poll() is None and time.monotonic() < deadline:
        try:
            name = status("Name", child.pid)
            if name == "su":
                line = [l for l in read(f"/proc/{child.pid}/status", 1 << 16).decode().splitlines() if l.startswith("Uid:")]
                seen.add(line[0].split()[2])
                break
        except OSError:
            break
    child.kill()
    out, _ = child.communicate()
    return f"user {','.join(sorted(seen))}{' ' + out.decode() if out else ''}"


def other_processes():
    """Processes that are neither the proxy, nor the launcher, nor of their descent."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return f"{sum(1 for pid in pids if pid > 1000)} beyond a thousand"


def rights():
    seen = {name: status(name) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")}
    seen["Seccomp of process 1"] = status("Seccomp", 1)
    seen["NoNewPrivs of process 1"] = status("NoNewPrivs", 1)
    ids = (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), *os.getgroups())
    seen["is root"] = "yes" if 0 in ids else "no"
    seen["setuid"] = attempt(lambda: os.setuid(0))
    seen["setgid"] = attempt(lambda: os.setgid(0))
    seen["setgroups"] = attempt(lambda: os.setgroups([0]))
    seen["setuid program"] = attempt(setuid_program)
    seen["chown to root"] = attempt(lambda: (open("/tmp/mine", "w").close(), os.chown("/tmp/mine", 0, 0)))
    seen["a higher priority"] = attempt(lambda: os.nice(-5))
    seen["real-time scheduling"] = attempt(
        lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
    seen["raise files"] = attempt(lambda: raised("RLIMIT_NOFILE"))
    seen["lock much memory"] = call("mlockall", 3) if resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] < 1 << 30 else "ok"
    return seen


def raised(name):
    _, hard = resource.getrlimit(getattr(resource, name))
    try:
        resource.setrlimit(getattr(resource, name), (hard + 1, hard + 1))
    except ValueError as error:
        return str(error)
    return "ok"


def kernel():
    return {
        "mount": call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
        "mount of proc": call("mount", b"proc", b"/mnt", b"proc", 0, None),
        "remount": call("mount", b"none", b"/sys", None, 32, None),
        "umount": call("umount2", b"/proc/sys", 2),
        "pivot_root": system_call("pivot_root", b"/tmp", b"/tmp"),
        "open_tree": system_call("open_tree", -100, b"/", 1),
        "chroot": in_a_child(lambda: call("chroot", b"/tmp")),
        "unshare user": in_a_child(lambda: call("unshare", NEW_USER)),
        "unshare net": in_a_child(lambda: call("unshare", NEW_NET)),
        "unshare pid": in_a_child(lambda: call("unshare", NEW_PID)),
        "unshare mount": in_a_child(lambda: call("unshare", NEW_NS)),
        "unshare user and mount": in_a_child(lambda: call("unshare", NEW_USER | NEW_NS)),
        "unshare cgroup": in_a_child(lambda: call("unshare", NEW_CGROUP)),
        "clone into namespaces": in_a_child(lambda: call("syscall", CLONE, NEW_USER | NEW_NS, 0, 0, 0, 0)),
        "setns": in_a_child(lambda: call("setns", os.open("/proc/1/ns/net", os.O_RDONLY), 0)),
        "ptrace of process 1": call("ptrace", 16, 1, None, None),
        "ptrace of oneself": in_a_child(lambda: call("ptrace", 0, 0, None, None)),
        "process_vm_readv of process 1": system_call("process_vm_readv", 1, 0, 0, 0, 0, 0),
        "pidfd_getfd": system_call("pidfd_getfd", 0, 0, 0),
        "kcmp": system_call("kcmp", 1, 1, 0, 0, 0),
        "bpf": system_call("bpf", 0, FILES, 64),
        "perf_event_open": system_call("perf_event_open", FILES, 0, -1, -1, 0),
        "keyctl": system_call("keyctl", 0, -3, 0),
        "add_key": system_call("add_key", b"user", b"whirl", b"x", 1, -3),
        "userfaultfd": system_call("userfaultfd", 0),
        "userfaultfd for user mode": system_call("userfaultfd", 1),
        "io_uring_setup": system_call("io_uring_setup", 8, ctypes.create_string_buffer(120)),
        "kexec_load": system_call("kexec_load", 0, 0, 0, 0),
        "init_module": system_call("init_module", FILES, 0, b""),
        "finit_module": system_call("finit_module", 0, b"", 0),
        "reboot": call("reboot", 0),
        "swapon": call("swapon", b"/tmp/mine", 0),
        "swapoff": call("swapoff", b"/tmp/mine"),
        "sethostname": call("sethostname", b"mine", 4),
        "setdomainname": call("setdomainname", b"mine", 4),
        "settimeofday": call("settimeofday", bytes(16), None),
        "adjtimex": call("adjtimex", (1).to_bytes(8, "little") + bytes(200)),
        "acct": call("acct", b"/tmp/mine"),
        "quotactl": call("quotactl", 0x800002 << 8 & 0x7fffffff, b"/dev/vda", 0, None),
        "kernel log": call("klogctl", 3, FILES, 4096),
        "open_by_handle_at": call("open_by_handle_at", -100, FILES, 0),
        "name_to_handle_at": system_call("name_to_handle_at", -100, b"/", FILES, ctypes.create_string_buffer(4), 0),
        "mknod of a disk": attempt(lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))),
        "mknod of memory": attempt(lambda: os.mknod("/tmp/memory", 0o20600, os.makedev(1, 1))),
        "vhangup": call("vhangup"),
    }


def files():
    return {
        "/proc/kcore": attempt(lambda: "ok" if read("/proc/kcore") else "empty"),
        "/proc/keys": attempt(lambda: "ok" if read("/proc/keys") else "empty"),
        "/proc/timer_list": attempt(lambda: "ok" if read("/proc/timer_list") else "empty"),
        "/proc/sched_debug": attempt(lambda: "ok" if read("/proc/sched_debug") else "empty"),
        "/proc/kmsg": attempt(lambda: read("/proc/kmsg")),
        "/dev/kmsg": attempt(lambda: read("/dev/kmsg")),
        "/dev/mem": attempt(lambda: read("/dev/mem")),
        "/proc/1/mem": attempt(lambda: os.close(os.open("/proc/1/mem", os.O_RDWR))),
        "/proc/1/environ": attempt(lambda: "ok" if read("/proc/1/environ") else "empty"),
        "/proc/sysrq-trigger": write("/proc/sysrq-trigger", "h"),
        "/proc/sys/kernel/core_pattern": write("/proc/sys/kernel/core_pattern", "|/tmp/mine"),
        "/proc/sys/kernel/modprobe": write("/proc/sys/kernel/modprobe", "/tmp/mine"),
        "/proc/sys/vm/drop_caches": write("/proc/sys/vm/drop_caches", "1"),
        "/proc/sys/net/ipv4/ip_forward": write("/proc/sys/net/ipv4/ip_forward", "1"),
        "/proc/irq/default_smp_affinity": write("/proc/irq/default_smp_affinity", "1"),
        "/proc/self/oom_score_adj": write("/proc/self/oom_score_adj", "-1000"),
        "/proc/self/uid_map": write("/proc/self/uid_map", "0 0 1"),
        "/sys/kernel/uevent_helper": write("/sys/kernel/uevent_helper", "/tmp/mine"),
        "/sys/power/state": write("/sys/power/state", "mem"),
        "/sys/firmware": attempt(lambda: "empty" if not os.listdir("/sys/firmware") else "ok"),
        "/sys/kernel/debug": attempt(lambda: "empty" if not os.listdir("/sys/kernel/debug") else "ok"),
        "own memory limit": write(group_file(), str(1 << 40)),
        "a cgroup of one's own": attempt(lambda: os.mkdir(os.path.dirname(group_file()) + "/mine")),
        "release_agent": write("/sys/fs/cgroup/memory/release_agent", "/tmp/mine"),
        "devices": " ".join(sorted(os.listdir("/dev"))),
        "docker.sock": attempt(lambda: os.stat("/var/run/docker.sock")),
        "containerd.sock": attempt(lambda: os.stat("/run/containerd/containerd.sock")),
        "processes": other_processes(),
        "environment": " ".join(sorted(os.environ)),
        "open files": " ".join(sorted({os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in os.listdir("/proc/self/fd")
                                       if os.path.exists(f"/proc/self/fd/{n}")})),
        "/etc/passwd": write("/etc/passwd", "x", os.O_WRONLY | os.O_APPEND),
        "/etc/shadow": attempt(lambda: read("/etc/shadow")),
        "/usr": create("/usr/mine"),
        "/": create("/mine"),
        "the proxy": write("/usr/local/bin/whirl-action-proxy", "x", os.O_WRONLY),
        "the launcher": write("/whirl/launcher.py", "x", os.O_WRONLY),
        "/tmp": create("/tmp/created"),
        "/var/tmp": create("/var/tmp/created"),
        "files": limit("RLIMIT_NOFILE"),
        "core dumps": limit("RLIMIT_CORE"),
        "pids": group("pids/pids.max", "pids.max"),
        "memory": group("memory/memory.limit_in_bytes", "memory.max"),
    }


def sockets():
    seen = {
        "raw": any_socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "ping": any_socket(socket.AF_INET, socket.SOCK_DGRAM, 1),
        "ping with a high bit": system_call("socket", socket.AF_INET, socket.SOCK_DGRAM, HIGH_BIT | 1),
        "ping of IPv6": any_socket(socket.AF_INET6, socket.SOCK_DGRAM, 58),
        "ping of IPv6 with a high bit": system_call("socket", socket.AF_INET6, socket.SOCK_DGRAM, HIGH_BIT | 58),
        "l2tp": any_socket(socket.AF_INET, socket.SOCK_DGRAM, 115),
        "raw of IPv6": any_socket(socket.AF_INET6, socket.SOCK_RAW, 58),
        "packet": any_socket(17, socket.SOCK_RAW, 0x300),
        "vsock": any_socket(40, socket.SOCK_STREAM),
        "alg": any_socket(38, 5),
        "bluetooth": any_socket(31, socket.SOCK_RAW),
        "can": any_socket(29, socket.SOCK_RAW),
        "tipc": any_socket(30, 5),
        "pair of tipc": system_call("socketpair", 30, 5, 0, FILES),
        "netlink with a high bit": system_call("socket", HIGH_BIT | 16, socket.SOCK_RAW, HIGH_BIT | 12),
        "key": any_socket(15, socket.SOCK_RAW, 2),
        "xdp": any_socket(44, socket.SOCK_RAW),
        "netlink to netfilter": netlink(12),
        "netlink to audit": netlink(9),
        "routes": attempt(change_routes),
        "unix": any_socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "tcp": any_socket(socket.AF_INET, socket.SOCK_STREAM),
        "udp": any_socket(socket.AF_INET, socket.SOCK_DGRAM),
        "tcp by its number": any_socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, socket.IPPROTO_TCP),
        "udp by its number": any_socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
        "tcp of IPv6": any_socket(socket.AF_INET6, socket.SOCK_STREAM),
        "pair": attempt(lambda: [end.close() for end in socket.socketpair()]),
    }
    addresses = [line.split()[-1] for line in read("/proc/net/if_inet6", 4096).decode().splitlines()] \
        if os.path.exists("/proc/net/if_inet6") else []
    seen["interfaces with IPv6"] = " ".join(sorted(set(addresses) - {"lo"})) or "none"
    return seen


def main(args):
    return {"rights": rights(), "kernel": kernel(), "files": files(), "sockets": sockets()}
