//! One side of a comparison of latencies: a connection and what is sent on it, call after call, in blocks that
//! take turns with the blocks of the other sides.

use std::time::Duration;

use super::timed_call_for;
use crate::error::Error;
use crate::http::{Connection, Request};
use crate::latencies::Latencies;
use crate::report::Row;
use crate::stop::Stop;

/// Blocks per side.
pub(super) const BLOCKS: u32 = 20;
/// Calls at the start of each block that do not count: the caches are the other side's.
pub(super) const UNCOUNTED: u32 = 20;
/// Calls that come before all blocks.
pub(super) const FIRST_CALLS: u32 = 300;
/// Between blocks, so that what one side left to do is not done in the other's time.
const PAUSE: Duration = Duration::from_millis(60);
/// The columns of [`percentiles`].
pub(super) const COLUMNS: [&str; 3] = ["p50 µs", "p95 µs", "p99 µs"];
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

pub(super) struct Side {
    connection: Connection,
    request: Request,
    /// The status that a call succeeds with.
    success: u16,
    /// One histogram per block.
    blocks: Vec<Latencies>,
}

impl Side {
    pub(super) fn new(connection: Connection, request: Request) -> Self {
        Self { connection, request, success: 200, blocks: Vec::new() }
    }

    /// The same for calls that are accepted with 202.
    pub(super) fn accepted(self) -> Self {
        Self { success: 202, ..self }
    }

    /// Calls that belong to no block.
    pub(super) fn calls(&mut self, number: u32, stop: &Stop) -> Result<Latencies, Error> {
        let mut latencies = Latencies::default();
        for _ in 0..number {
            stop.check()?;
            timed_call_for(self.success, &mut self.connection, &self.request, &mut latencies)
                .map_err(Error::io("make a warm call"))?;
        }
        Ok(latencies)
    }

    /// One block of so many calls that count.
    pub(super) fn block(&mut self, calls: u32, stop: &Stop) -> Result<(), Error> {
        stop.sleep(PAUSE)?;
        let uncounted = self.calls(UNCOUNTED, stop)?;
        let mut counted = self.calls(calls, stop)?;
        counted.errors += uncounted.errors;
        self.blocks.push(counted);
        Ok(())
    }

    /// Forgets the blocks.
    pub(super) fn begin_anew(&mut self) {
        self.blocks.clear();
    }

    /// The calls of all blocks.
    pub(super) fn all(&self) -> Latencies {
        let mut all = Latencies::default();
        self.blocks.iter().for_each(|block| all.add(block));
        all
    }

    /// In microseconds.
    pub(super) fn block_medians(&self) -> Vec<f64> {
        self.blocks.iter().map(|block| block.micros(50.0)).collect()
    }

    /// The lowest of them.
    pub(super) fn quietest(&self) -> f64 {
        self.block_medians().into_iter().fold(f64::INFINITY, f64::min)
    }
}

/// A row of percentiles of calls.
pub(super) fn percentiles(name: String, latencies: &Latencies) -> Row {
    Row::new(name, PERCENTILES.map(|p| latencies.micros(p))).calls(latencies.count(), latencies.errors)
}

/// Rows that compare the percentiles of two sides: the difference, that of the quietest blocks, and the ratio.
pub(super) fn compared(name: impl Fn(&str) -> String, whirl: &Side, direct: &Side) -> [Row; 3] {
    let (all, all_direct) = (whirl.all(), direct.all());
    let of_both =
        |figure: &dyn Fn(f64, f64) -> f64| PERCENTILES.map(|p| figure(all.micros(p), all_direct.micros(p)));
    [
        Row::new(name("added"), of_both(&|through, direct| through - direct)),
        Row::new(name("added, quietest block of each side"), [whirl.quietest() - direct.quietest()]),
        Row::new(name("ratio"), of_both(&|through, direct| through / direct)),
    ]
}
