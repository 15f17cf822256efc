//! The time until a fire is accepted, whose trigger has one rule: beside an invocation of the rule's action that
//! nobody waits for, and beside the disk, which both have to wait for.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use serde_json::json;

use super::Plan;
use super::side::{BLOCKS, COLUMNS, Side, UNCOUNTED, percentiles};
use crate::action::Language;
use crate::error::Error;
use crate::latencies::Latencies;
use crate::platform::{Logs, Platform};
use crate::report::{Row, Section};
use crate::server::{Options, Server};

const LANGUAGE: Language = Language::Node;
const ACTION: &str = "bench-fired";
const TRIGGER: &str = "bench-trigger";
/// Calls that come before all blocks. Each leaves a run behind that is still to come.
const FIRST_CALLS: u32 = 50;
/// Bytes that the disk is given at a time: a page of its file system.
const PAGE: [u8; 4096] = [b'x'; 4096];

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let server = Server::start(&Options::defaults(&plan.whirl), &plan.stop)?;
    let platform = Platform::of(&server)?;
    platform.create_action(ACTION, LANGUAGE, Logs::Default)?;
    platform.create_trigger(TRIGGER, ACTION)?;
    let mut fired = Side::new(platform.connect()?, platform.fire_request(TRIGGER)).accepted();
    let mut invoked = Side::new(platform.connect()?, platform.non_blocking_request(ACTION)).accepted();
    let mut disk = Disk::new()?;
    for side in [&mut fired, &mut invoked] {
        side.calls(FIRST_CALLS, &plan.stop)?;
    }
    let per_block = (plan.warm_calls / 5).div_ceil(BLOCKS);
    for _ in 0..BLOCKS {
        fired.block(per_block, &plan.stop)?;
        invoked.block(per_block, &plan.stop)?;
        disk.block(per_block, plan)?;
    }
    server.stop()?;
    Ok(vec![section(&fired, &invoked, &disk.latencies)])
}

/// A file of our own on the file system that holds whirl's data directory.
struct Disk {
    file: File,
    latencies: Latencies,
}

impl Disk {
    fn new() -> Result<Self, Error> {
        let file = tempfile::tempfile().map_err(Error::io("make a temporary file"))?;
        Ok(Self { file, latencies: Latencies::default() })
    }

    /// Appends that each wait for the disk. The first ones do not count, as those of a [`Side`].
    fn block(&mut self, calls: u32, plan: &Plan) -> Result<(), Error> {
        for number in 0..UNCOUNTED + calls {
            plan.stop.check()?;
            let began = Instant::now();
            let written = self.file.write_all(&PAGE).and_then(|()| self.file.sync_data());
            written.map_err(Error::io("write a temporary file"))?;
            if number >= UNCOUNTED {
                self.latencies.record(began.elapsed());
            }
        }
        Ok(())
    }
}

fn section(fired: &Side, invoked: &Side, disk: &Latencies) -> Section {
    let ratio = |name: &str, to: &Latencies| {
        Row::new(name, [50.0, 95.0, 99.0].map(|p| fired.all().micros(p) / to.micros(p)))
    };
    Section {
        title: "Fire of a trigger with one rule, Node no-op, one at a time".to_owned(),
        columns: COLUMNS.to_vec(),
        rows: vec![
            percentiles("fire, to its 202".to_owned(), &fired.all()),
            percentiles("non-blocking invocation, to its 202".to_owned(), &invoked.all()),
            percentiles("append of a page to a file and fdatasync".to_owned(), disk),
            ratio("ratio of the fire to the invocation", &invoked.all()),
            ratio("ratio of the fire to the disk", disk),
        ],
        notes: vec![format!(
            "{BLOCKS} blocks per side in turns. Both answers come after the activation is on the disk; that of the \
             fire after the trigger's own record is, too. The runs that were accepted go on meanwhile."
        )],
        raw: json!({
            "fire_block_p50_us": fired.block_medians(),
            "invocation_block_p50_us": invoked.block_medians(),
        }),
    }
}
