//! Actions that take all they can get: processes, memory, disk, files, CPU, logs. Each goes off while a neighbour's
//! action is called steadily. The bomb ends with an error that names its limit, every call of the neighbour is
//! answered right, and nothing is left behind on the host. How fast the neighbour stays is measured by
//! `whirl-benches bombs`.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its scenario")]

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};
use whirl_system_tests::{Action, Record, ServerOptions, World};

const OUT_OF_MEMORY: &str = "The action exhausted its memory and was aborted.";
const OUT_OF_TIME: &str = "The action exceeded its time limits of 5000 milliseconds.";

/// A platform whose containers together leave a core of two free, and that has memory for three of 128 MB.
struct Ground {
    world: World,
    neighbour: World,
    /// One bomb at a time: each test has the machine for itself.
    _alone: MutexGuard<'static, ()>,
}

impl Ground {
    fn prepare(settings: &str) -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = format!("[docker]\ncpus = 1.0\n{settings}");
        let options = ServerOptions::docker().memory(384).without_stem_cells().settings(&settings);
        let world = World::start_process(options)?;
        let neighbour = world.tenant("neighbour");
        Some(Self { world, neighbour, _alone: alone })
    }

    /// Lets a bomb go off, and gives its record. The neighbour is called before, meanwhile and afterwards.
    #[track_caller]
    fn explode(&self, bomb: &Action<'_>, arguments: &Value) -> Record {
        let code = "function main(p) { return new Promise(r => setTimeout(() => r({n: p.n}), 50)) }";
        let neighbour = self.neighbour.action("neighbour").node(code).limit("memory", 128).create();
        let call =
            |n: u32| assert_eq!(neighbour.invoke_blocking(&json!({"n": n})).succeeded(), &json!({"n": n}));
        call(0);
        let over = AtomicBool::new(false);
        let record = thread::scope(|scope| {
            let steady = scope.spawn(|| {
                let mut calls = 0;
                while calls == 0 || !over.load(Ordering::Relaxed) {
                    calls += 1;
                    call(calls);
                }
            });
            let id = bomb.fire(arguments);
            let record = self.world.record(&id);
            over.store(true, Ordering::Relaxed);
            steady.join().unwrap();
            record
        });
        call(0);
        record
    }

    /// The bomb's action still works, and nothing of all this is left when the platform ends.
    #[track_caller]
    fn clear(self, bomb: &str) {
        let harmless = self.world.post(&format!("actions/{bomb}?blocking=true&result=true"), &json!({}));
        assert_eq!(harmless.ok(), json!({"fine": true}));
        self.world.end();
    }
}

/// Python that does it if it is told to.
fn deed(code: &str) -> String {
    let code = code.replace('\n', "\n  ");
    format!(
        "import errno, os, sys, time\ndef main(p):\n if p.get('do'):\n  {code}\n return {{'fine': True}}\n"
    )
}

fn bomb<'w>(world: &'w World, name: &str, code: &str) -> Action<'w> {
    world.action(name).python(&deed(code)).limit("memory", 128).limit("timeout", 5000).create()
}

/// Runs a bomb of Python source and gives its record.
#[track_caller]
fn goes_off(name: &str, settings: &str, code: &str, check: impl FnOnce(&Record)) {
    let Some(ground) = Ground::prepare(settings) else { return };
    let bomb = bomb(&ground.world, name, code);
    let record = ground.explode(&bomb, &json!({"do": true}));
    check(&record);
    let name = bomb.name.clone();
    ground.clear(&name);
}

#[test]
fn a_fork_bomb_ends_at_its_limits() {
    let code = "while True:\n try: os.fork()\n except OSError: pass";
    goes_off("forks", "", code, |record| {
        // Which of them it meets first depends on how much a process takes.
        let error = record.developers_error();
        assert!([OUT_OF_TIME, OUT_OF_MEMORY].contains(&error), "{}", record.0);
    });
}

#[test]
fn a_memory_bomb_ends_at_its_limit() {
    let code = "hoard = []\nwhile True: hoard.append(b'x' * (8 << 20))";
    goes_off("memory", "", code, |record| assert_eq!(record.developers_error(), OUT_OF_MEMORY));
}

#[test]
fn spinners_end_with_their_time() {
    let code = "for _ in range(7):\n if os.fork() == 0: break\nwhile True: pass";
    goes_off("spinners", "", code, |record| assert_eq!(record.developers_error(), OUT_OF_TIME));
}

#[test]
fn a_flood_of_logs_ends_with_its_time() {
    let code = "line = b'x' * 1023 + b'\\n'\nblock = line * 64\nwhile True: os.write(1, block)";
    goes_off("flood", "", code, |record| assert_eq!(record.developers_error(), OUT_OF_TIME));
}

#[test]
fn a_bomb_of_open_files_ends_at_its_limit() {
    let code = "files = []\ntry:\n while True: files.append(os.open('/dev/null', os.O_RDONLY))\n\
                except OSError as refused: found = errno.errorcode[refused.errno]\n\
                for file in files: os.close(file)\n\
                return {'files': len(files), 'refused': found}";
    goes_off("files", "", code, |record| {
        let result = record.succeeded();
        assert_eq!(result["refused"], "EMFILE");
        assert!((900..1024).contains(&result["files"].as_u64().unwrap()), "{result}");
    });
}

/// Writes to a file until it is refused.
const FILL: &str = "written = 0\nblock = b'x' * (1 << 20)\nfile = os.open('/tmp/bomb', os.O_CREAT | os.O_WRONLY)\n\
                    try:\n while written < 1 << 32: written += os.write(file, block)\n\
                    except OSError as refused: found = errno.errorcode[refused.errno]\n\
                    os.close(file)\nos.unlink('/tmp/bomb')\n\
                    return {'mebibytes': written >> 20, 'refused': found}";

#[test]
fn a_disk_bomb_ends_at_the_size_of_tmp() {
    goes_off("disk", "read_only_root_tmp = 32\n", FILL, |record| {
        let result = record.succeeded();
        assert_eq!((&result["mebibytes"], &result["refused"]), (&json!(32), &json!("ENOSPC")));
    });
}

#[test]
fn a_disk_bomb_without_a_bound_ends_with_its_time() {
    // The same 64 MiB again and again, so that this machine's disk is not filled.
    let code = "file = os.open('/tmp/bomb', os.O_CREAT | os.O_WRONLY)\nblock = b'x' * (1 << 20)\n\
                while True:\n for n in range(64): os.pwrite(file, block, n << 20)";
    goes_off("unbounded", "", code, |record| assert_eq!(record.developers_error(), OUT_OF_TIME));
}

/// Makes files of one byte until it is refused, or until they are a million.
const SMALL_FILES: &str = "made = 0\ntry:\n while made < 1000000:\n  if made % 1000 == 0: os.mkdir('/tmp/%d' % (made // 1000))\n  \
                           with open('/tmp/%d/%d' % (made // 1000, made), 'w') as file: file.write('x')\n  made += 1\n\
                           except OSError as refused: return {'made': made, 'refused': errno.errorcode[refused.errno]}\n\
                           return {'made': made}";

#[test]
fn a_million_small_files_end_at_a_limit() {
    goes_off("small", "read_only_root_tmp = 32\n", SMALL_FILES, |record| match record.status() {
        "success" => assert_eq!(record.result()["refused"], "ENOSPC", "{}", record.0),
        _ => assert!([OUT_OF_TIME, OUT_OF_MEMORY].contains(&record.developers_error()), "{}", record.0),
    });
}

#[test]
fn a_million_small_files_without_a_bound_harm_nobody() {
    goes_off("small", "", SMALL_FILES, |record| match record.status() {
        "success" => assert_eq!(record.result()["made"], 1_000_000, "{}", record.0),
        _ => assert!([OUT_OF_TIME, OUT_OF_MEMORY].contains(&record.developers_error()), "{}", record.0),
    });
}

/// An archive that holds an action and a file of this many zero bytes.
fn archive(main: &str, code: &str, zeros: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let pack = "import sys, zipfile\n\
        with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:\n \
        archive.writestr(sys.argv[1], sys.argv[2])\n \
        with archive.open('zeros', 'w', force_zip64=True) as zeros:\n  \
        for _ in range(int(sys.argv[3]) >> 20): zeros.write(bytes(1 << 20))\n";
    let arguments = ["-", main, code, &zeros.to_string()];
    let mut packer = Command::new("python3")
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    packer.stdin.take().unwrap().write_all(pack.as_bytes()).unwrap();
    assert!(packer.wait().unwrap().success());
    fs::read(folder.path().join("bomb.zip")).unwrap()
}

#[test]
fn code_that_unpacks_to_gigabytes_is_refused() {
    let Some(ground) = Ground::prepare("") else { return };
    for (kind, main, code) in [
        ("nodejs:20", "index.js", "exports.main = () => ({fine: true})"),
        ("python:3.11", "__main__.py", "def main(p): return {'fine': True}\n"),
    ] {
        let bomb = |name: &str, zeros: u64| {
            let zip = archive(main, code, zeros);
            ground
                .world
                .action(name)
                .archive(kind, &zip)
                .limit("memory", 256)
                .limit("timeout", 60_000)
                .create()
        };
        let record = ground.explode(&bomb("gigabytes", 3 << 30), &json!({}));
        let error = record.developers_error();
        assert!(error.contains("536870912 bytes"), "the limit is named: {error}");
        let large = ground.explode(&bomb("large", 64 << 20), &json!({}));
        assert_eq!(large.succeeded(), &json!({"fine": true}));
    }
    ground.world.end();
}
