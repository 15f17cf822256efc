//! How fast a neighbour stays while another action takes all it can get: each bomb in a container whose CPU quota
//! leaves one core of the machine free, called again as soon as it has ended. All bombs take turns, round after round,
//! with the neighbour alone: what else the machine does meets all of them. That bombs end well is for the tests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Plan, WITHOUT_STEM_CELLS, timed_call};
use crate::action::Language;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::latencies::Latencies;
use crate::platform::Platform;
use crate::report::{Row, Section};
use crate::server::{Options, Server};
use crate::stop::Stop;

/// From the start of one call of the neighbour to that of the next.
const EVERY: Duration = Duration::from_millis(80);
/// What the neighbour does takes so long while it is alone.
const WORK: Duration = Duration::from_millis(50);
/// How often each bomb has its turn.
const ROUNDS: u32 = 4;
/// Calls that come before those that count.
const FIRST_CALLS: u32 = 10;
/// By so much may the neighbour's p99 grow.
const MOST: f64 = 1.2;
/// Mebibytes of `/tmp`, which the disk bombs fill.
const TMP: u32 = 64;
/// Mebibytes of the two containers, which are all that there is: so large a part of the quota may a bomb use.
const BOMB_MEMORY: u32 = 512;
const NEIGHBOUR_MEMORY: u32 = 128;
/// Processes that a container may have at a time.
const PROCESSES: u32 = 256;
/// Milliseconds after which a bomb is ended that nothing else ends.
const FUSE: u32 = 4000;

/// The body of each bomb's `main` in Python.
const BOMBS: [(&str, &str); 7] = [
    ("CPU: eight processes that spin", "for _ in range(3): os.fork()\n while True: pass"),
    ("processes: forks as long as it may", "while True:\n  try: os.fork()\n  except OSError: pass"),
    ("memory: takes more until it is ended", "hoard = []\n while True: hoard.append(b'x' * (4 << 20))"),
    ("logs: prints without an end", "block = (b'x' * 1023 + b'\\n') * 64\n while True: os.write(1, block)"),
    (
        "disk: fills /tmp again and again",
        "block = b'x' * (1 << 20)\n while True:\n  with open('/tmp/bomb', 'wb', 0) as file:\n   try:\n    \
         while True: file.write(block)\n   except OSError: pass",
    ),
    (
        "small files: as many as there may be",
        "made = 0\n while True:\n  try:\n   open('/tmp/%d' % made, 'w').close()\n   made += 1\n  \
         except OSError: pass",
    ),
    (
        "open files: as many as there may be",
        "files = []\n while True:\n  try: files.append(os.open('/dev/null', 0))\n  except OSError: \
         [os.close(file) for file in files]; files.clear()",
    ),
];

/// What the neighbour does, and how many cores of its own it asks for: to compute for a known time it needs one.
const NEIGHBOURS: [(&str, &str, u32); 2] = [
    ("computes for 50 ms on a core of its own", "for _ in range(p['n']): pass\n return {}", 1),
    ("waits for 50 ms and has no core of its own", "time.sleep(0.05)\n return {}", 0),
];

/// A section per neighbour.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let quota = u32::try_from(cores - 1).unwrap_or(u32::MAX).max(1);
    let options = Options {
        memory: Some(BOMB_MEMORY + NEIGHBOUR_MEMORY),
        cpus: Some(quota),
        manifest: Some(WITHOUT_STEM_CELLS.to_owned()),
        read_only_root_tmp: Some(TMP),
        processes: Some(PROCESSES),
        ..Options::defaults(&plan.whirl)
    };
    let server = Server::start(&options, &plan.stop)?;
    let platform = Platform::of(&server)?;
    let place = Place { plan, platform: &platform, quota };
    let sections = NEIGHBOURS.iter().map(|neighbour| place.section(neighbour)).collect();
    server.stop()?;
    sections
}

/// Where bombs go off.
struct Place<'a> {
    plan: &'a Plan,
    platform: &'a Platform,
    /// Cores that all containers without cores of their own may use together.
    quota: u32,
}

impl Place<'_> {
    fn section(&self, (name, code, cores): &(&str, &str, u32)) -> Result<Section, Error> {
        let mut neighbour = self.neighbour(code, *cores)?;
        let per_turn = (self.plan.warm_calls / 25).div_ceil(ROUNDS);
        let mut alone = Latencies::default();
        let mut beside = BOMBS.map(|_| Latencies::default());
        let mut alone_by_round = Vec::new();
        for _ in 0..ROUNDS {
            // All others are compared with this one: it has twice their calls.
            let turn = self.calls(&mut neighbour, 2 * per_turn)?;
            alone_by_round.push(turn.millis(99.0));
            alone.add(&turn);
            for ((_, code), latencies) in BOMBS.iter().zip(&mut beside) {
                latencies.add(&self.beside(code, &mut neighbour, per_turn)?);
            }
        }
        let row = |name: &str, latencies: &Latencies| {
            let (p50, p99) = (latencies.millis(50.0), latencies.millis(99.0));
            Row::new(name, [p50, p99, p99 / alone.millis(99.0)]).calls(latencies.count(), latencies.errors)
        };
        let mut rows = vec![row("alone", &alone)];
        let bombs = BOMBS.iter().zip(&beside);
        rows.extend(bombs.map(|((name, _), latencies)| row(name, latencies).at_most("p99 ratio", 2, MOST)));
        Ok(Section {
            title: format!("An action that {name}, beside a bomb"),
            columns: vec!["p50 ms", "p99 ms", "p99 ratio"],
            rows,
            notes: vec![format!(
                "A call each {} ms; {ROUNDS} rounds in which the neighbour is alone, then beside each bomb. All \
                 containers without cores of their own have {} of the machine's together; of those the bomb has \
                 {BOMB_MEMORY} parts of {}. It has {TMP} MB of /tmp, may have {PROCESSES} processes, and is called \
                 again as soon as it has ended, by its limit or after {FUSE} ms. Ratios are to the neighbour alone.",
                EVERY.as_millis(),
                self.quota,
                BOMB_MEMORY + NEIGHBOUR_MEMORY,
            )],
            raw: json!({ "alone_p99_ms_by_round": alone_by_round }),
        })
    }

    /// The neighbour, warm, and with as much to compute as it takes for its time.
    fn neighbour(&self, code: &str, cores: u32) -> Result<(Connection, Request), Error> {
        let measure = "if p.get('measure'):\n  t = time.process_time()\n  for _ in range(1000000): pass\n  \
                       return {'n': int(1000000 * p['measure'] / (time.process_time() - t))}";
        let source = format!("import time\ndef main(p):\n {measure}\n {code}\n");
        let name = "bench-bombs-neighbour";
        let create = |parameters: Value| {
            let exec = json!({ "kind": Language::Python.kind(), "code": source });
            let limits = json!({ "memory": NEIGHBOUR_MEMORY, "cpu": cores });
            self.platform
                .put_action(name, &json!({ "exec": exec, "limits": limits, "parameters": parameters }))
        };
        create(json!([{ "key": "measure", "value": WORK.as_secs_f64() }]))?;
        let mut connection = self.platform.connect()?;
        let request = self.platform.invoke_request(name);
        connection.expect_ok("the neighbour", &request)?;
        let answer: Value =
            serde_json::from_str(&connection.expect_ok("the neighbour", &request)?).unwrap_or_default();
        create(json!([{ "key": "n", "value": answer["n"] }]))?;
        for _ in 0..FIRST_CALLS {
            connection.expect_ok("the neighbour", &request)?;
        }
        Ok((connection, request))
    }

    /// The neighbour's calls while a bomb goes off.
    fn beside(
        &self,
        code: &str,
        neighbour: &mut (Connection, Request),
        number: u32,
    ) -> Result<Latencies, Error> {
        let name = "bench-bombs-bomb";
        let source = format!("import os\ndef main(p):\n {code}\n");
        let limits = json!({ "timeout": FUSE, "memory": BOMB_MEMORY });
        let exec = json!({ "kind": Language::Python.kind(), "code": source });
        self.platform.put_action(name, &json!({ "exec": exec, "limits": limits }))?;
        let request = self.platform.invoke_request(name);
        let over = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            let bomber = scope.spawn(|| self.explode(&request, &over));
            let outcome = self.calls(neighbour, number);
            over.store(true, Ordering::Relaxed);
            let exploded = bomber.join().expect("nothing in it panics");
            outcome.and_then(|latencies| exploded.map(|()| latencies))
        });
        self.platform.delete_action(name)?;
        self.plan.stop.sleep(Duration::from_secs(1))?;
        outcome
    }

    /// Calls the bomb again and again. That each call fails is what bombs do.
    fn explode(&self, request: &Request, over: &AtomicBool) -> Result<(), Error> {
        let mut connection = self.platform.connect()?;
        while !over.load(Ordering::Relaxed) {
            connection.call(request).map_err(Error::io("set a bomb off"))?;
        }
        Ok(())
    }

    fn calls(
        &self,
        (connection, request): &mut (Connection, Request),
        number: u32,
    ) -> Result<Latencies, Error> {
        let mut latencies = Latencies::default();
        let mut next = Instant::now();
        for _ in 0..number {
            wait_until(next, &self.plan.stop)?;
            next = Instant::now() + EVERY;
            timed_call(connection, request, &mut latencies).map_err(Error::io("call the neighbour"))?;
        }
        Ok(latencies)
    }
}

fn wait_until(time: Instant, stop: &Stop) -> Result<(), Error> {
    stop.sleep(time.saturating_duration_since(Instant::now()))
}
