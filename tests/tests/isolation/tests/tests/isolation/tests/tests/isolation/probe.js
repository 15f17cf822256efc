// Tries from inside of a container what an action must not be able to do, and tells for each what came of it: `ok`,
// the name of the error, or what was seen. Where Node.js has no such call, the image's own programs try it. It
// judges nothing; the tables of expected outcomes are in the tests.

'use strict';

const fs = require('fs');
const os = require('os');
const { spawnSync } = require('child_process');

function attempt(deed) {
  try {
    const seen = deed();
    return typeof seen === 'string' ? seen : 'ok';
  } catch (error) {
    return error.code || String(error);
  }
}

// A program of the image: `ok`, or why it failed by what it says.
function program(name, ...args) {
  const ended = spawnSync(name, args, { encoding: 'utf8', timeout: 5000, input: '' });
  if (ended.error) return ended.error.code;
  if (ended.status === 0) return `ok ${ended.stdout}`.trim();
  const said = ended.stderr + ended.stdout;
  if (/not permitted|superuser|must be root|you are root|are you root/i.test(said)) return 'EPERM';
  if (/permission denied/i.test(said)) return 'EACCES';
  return said.trim().split('\n').pop();
}

function read(path) {
  return fs.readFileSync(path, 'utf8');
}

function status(name, pid = 'self') {
  const line = read(`/proc/${pid}/status`).split('\n').find(line => line.startsWith(name + ':'));
  return line ? line.split(':')[1].trim().split(/\s/)[0] : 'missing';
}

function write(path, text = '1') {
  return attempt(() => {
    const file = fs.openSync(path, fs.constants.O_WRONLY);
    try { fs.writeSync(file, text); } finally { fs.closeSync(file); }
  });
}

function create(path) {
  return attempt(() => { fs.closeSync(fs.openSync(path, 'wx')); fs.unlinkSync(path); });
}

function firstByte(path) {
  return attempt(() => {
    const file = fs.openSync(path, 'r');
    try { return fs.readSync(file, Buffer.alloc(1)) === 0 ? 'empty' : 'ok'; } finally { fs.closeSync(file); }
  });
}

function list(path) {
  return attempt(() => fs.readdirSync(path).length === 0 ? 'empty' : 'ok');
}

const GROUPS = '/sys/fs/cgroup/';

function group(...paths) {
  const path = paths.find(path => fs.existsSync(GROUPS + path));
  return path ? read(GROUPS + path).trim() : 'missing';
}

const groupFile = () =>
  ['memory/memory.limit_in_bytes', 'memory.max'].map(path => GROUPS + path).find(path => fs.existsSync(path));

function rights() {
  const seen = {};
  for (const name of ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp']) {
    seen[name] = status(name);
  }
  seen['Seccomp of process 1'] = status('Seccomp', 1);
  seen['NoNewPrivs of process 1'] = status('NoNewPrivs', 1);
  const ids = [process.getuid(), process.geteuid(), process.getgid(), process.getegid(), ...process.getgroups()];
  seen['is root'] = ids.includes(0) ? 'yes' : 'no';
  seen.setuid = attempt(() => process.setuid(0));
  seen.setgid = attempt(() => process.setgid(0));
  seen.setgroups = attempt(() => process.setgroups([0]));
  seen['chown to root'] = attempt(() => { fs.writeFileSync('/tmp/mine', ''); fs.chownSync('/tmp/mine', 0, 0); });
  seen['a higher priority'] = attempt(() => os.setPriority(-5)).replace('ERR_SYSTEM_ERROR', 'EACCES');
  seen['real-time scheduling'] = program('chrt', '--fifo', '1', 'true');
  seen['setuid program'] = program('su', '-c', 'id');
  seen['setpriv to root'] = program('setpriv', '--reuid', '0', 'true');
  return seen;
}

function kernel() {
  return {
    mount: program('mount', '-t', 'tmpfs', 'none', '/mnt'),
    'mount of proc': program('mount', '-t', 'proc', 'proc', '/mnt'),
    umount: program('umount', '-l', '/proc/sys'),
    pivot_root: program('pivot_root', '/tmp', '/tmp'),
    chroot: program('chroot', '/', 'true'),
    'unshare user': program('unshare', '--user', 'true'),
    'unshare net': program('unshare', '--net', 'true'),
    'unshare pid': program('unshare', '--pid', 'true'),
    'unshare user and mount': program('unshare', '--user', '--mount', '--map-root-user', 'true'),
    setns: program('nsenter', '--target', '1', '--net', 'true'),
    'mknod of a disk': program('mknod', '/tmp/disk', 'b', '254', '0'),
    sethostname: program('hostname', 'mine'),
    settimeofday: program('date', '--set', '2001-01-01'),
    'kernel log': program('dmesg'),
  };
}

function files() {
  const names = text => text.split('\0').filter(Boolean).map(entry => entry.split('=')[0]).sort().join(' ');
  return {
    '/proc/kcore': firstByte('/proc/kcore'),
    '/proc/keys': firstByte('/proc/keys'),
    '/proc/timer_list': firstByte('/proc/timer_list'),
    '/proc/sched_debug': firstByte('/proc/sched_debug'),
    '/proc/kmsg': firstByte('/proc/kmsg'),
    '/dev/kmsg': firstByte('/dev/kmsg'),
    '/dev/mem': firstByte('/dev/mem'),
    '/proc/1/mem': attempt(() => fs.closeSync(fs.openSync('/proc/1/mem', 'r+'))),
    '/proc/1/environ': firstByte('/proc/1/environ'),
    '/proc/sysrq-trigger': write('/proc/sysrq-trigger', 'h'),
    '/proc/sys/kernel/core_pattern': write('/proc/sys/kernel/core_pattern', '|/tmp/mine'),
    '/proc/sys/kernel/modprobe': write('/proc/sys/kernel/modprobe', '/tmp/mine'),
    '/proc/sys/vm/drop_caches': write('/proc/sys/vm/drop_caches', '1'),
    '/proc/sys/net/ipv4/ip_forward': write('/proc/sys/net/ipv4/ip_forward', '1'),
    '/proc/irq/default_smp_affinity': write('/proc/irq/default_smp_affinity', '1'),
    '/proc/self/oom_score_adj': write('/proc/self/oom_score_adj', '-1000'),
    '/proc/self/uid_map': write('/proc/self/uid_map', '0 0 1'),
    '/sys/kernel/uevent_helper': write('/sys/kernel/uevent_helper', '/tmp/mine'),
    '/sys/power/state': write('/sys/power/state', 'mem'),
    '/sys/firmware': list('/sys/firmware'),
    '/sys/kernel/debug': list('/sys/kernel/debug'),
    'own memory limit': write(groupFile(), String(2 ** 40)),
    "a cgroup of one's own": attempt(() => fs.mkdirSync(groupFile().replace(/[^/]*$/, 'mine'))),
    release_agent: write('/sys/fs/cgroup/memory/release_agent', '/tmp/mine'),
    devices: fs.readdirSync('/dev').sort().join(' '),
    'docker.sock': attempt(() => { fs.statSync('/var/run/docker.sock'); }),
    'containerd.sock': attempt(() => { fs.statSync('/run/containerd/containerd.sock'); }),
    processes: fs.readdirSync('/proc').filter(name => Number(name) > 1000).length + ' beyond a thousand',
    environment: names(Object.keys(process.env).join('\0')),
    '/etc/passwd': write('/etc/passwd', 'x'),
    '/etc/shadow': firstByte('/etc/shadow'),
    '/usr': create('/usr/mine'),
    '/': create('/mine'),
    'the proxy': write('/usr/local/bin/whirl-action-proxy', 'x'),
    'the launcher': write('/whirl/launcher.js', 'x'),
    modules: create('/node_modules/mine'),
    '/tmp': create('/tmp/created'),
    '/var/tmp': create('/var/tmp/created'),
    files: read('/proc/self/limits').match(/Max open files +(.*?) +files/)[1].replace(/ +/, ' '),
    'core dumps': read('/proc/self/limits').match(/Max core file size +(.*?) +bytes/)[1].replace(/ +/, ' '),
    pids: group('pids/pids.max', 'pids.max'),
    memory: group('memory/memory.limit_in_bytes', 'memory.max'),
  };
}

function main() {
  return { rights: rights(), kernel: kernel(), files: files() };
}

exports.main = main;
