//! Where the time of calls went: the stages that controller and invokers time themselves, as differences of their
//! metrics.

use serde_json::{Value, json};

use super::Snapshot;
use crate::admin::Histogram;
use crate::error::Error;
use crate::latencies::Latencies;
use crate::report::{Row, Section};

#[derive(Clone, Copy)]
enum Who {
    Controller,
    Invoker,
}

struct Stage {
    who: Who,
    name: &'static str,
    meaning: &'static str,
    /// Whether the next stage waits for it.
    on_the_way: bool,
}

impl Stage {
    const fn new(who: Who, name: &'static str, meaning: &'static str) -> Self {
        Self { who, name, meaning, on_the_way: true }
    }
}

/// In the order of a call.
const STAGES: [Stage; 7] = [
    Stage::new(Who::Controller, "request", "request → activation published"),
    Stage {
        on_the_way: false,
        ..Stage::new(Who::Controller, "confirmation", "beside the way: published → broker confirmed")
    },
    Stage::new(Who::Invoker, "delivery", "published → invoker took it"),
    Stage::new(Who::Invoker, "placement", "taken → run in a container"),
    Stage::new(Who::Invoker, "run", "run → container answered"),
    Stage::new(Who::Invoker, "record", "answered → acknowledgement published"),
    Stage::new(Who::Controller, "acknowledgement", "published → controller has it"),
];

impl Snapshot {
    fn histogram(&self, stage: &Stage) -> Histogram {
        let label = format!("stage=\"{}\"", stage.name);
        match stage.who {
            Who::Controller => self.controller.histogram("whirl_controller_stage_seconds", &label),
            Who::Invoker => self.invokers.iter().fold(Histogram::default(), |all, metrics| {
                all.and(&metrics.histogram("whirl_invoker_stage_seconds", &label))
            }),
        }
    }
}

/// The section. `calls` are what the client saw between the two moments, but for some that it did not count.
pub(super) fn section(
    title: String,
    before: &Snapshot,
    after: &Snapshot,
    calls: &Latencies,
) -> Result<Section, Error> {
    let all = calls.all_millis();
    #[expect(clippy::cast_precision_loss, reason = "no run has that many calls")]
    let mean = all.iter().sum::<f64>() * 1e3 / all.len() as f64;
    let (mut rows, mut along, mut raw) = (Vec::new(), 0.0, json!({}));
    for stage in &STAGES {
        let histogram = after.histogram(stage).since(&before.histogram(stage));
        if histogram.count() == 0 {
            let text = format!("the cluster timed no stage '{}'; are these the admin ports?", stage.name);
            return Err(Error::Unsuitable(text));
        }
        along += if stage.on_the_way { histogram.mean_micros() } else { 0.0 };
        raw[stage.name] = counted(&histogram);
        rows.push(row(stage.meaning, &histogram));
    }
    rows.push(Row::new("all stages on the way", [along]));
    rows.push(Row::new("the rest: the answer, and the client's part", [mean - along]));
    let whole = [mean, calls.micros(50.0), calls.micros(99.0)];
    rows.push(Row::new("the whole call", whole).calls(calls.count(), calls.errors));
    Ok(Section {
        title,
        columns: vec!["mean µs", "p50 µs", "p99 µs"],
        rows,
        notes: vec![
            "From the histograms of the processes, before and after the calls above; percentiles are as fine as \
             their buckets. Stages between processes compare the clocks of their hosts. The invoker may take an \
             activation before the broker's confirmation has reached the controller."
                .to_owned(),
        ],
        raw,
    })
}

fn row(name: &str, histogram: &Histogram) -> Row {
    let figures = [histogram.mean_micros(), histogram.micros(50.0), histogram.micros(99.0)];
    Row::new(name, figures).calls(histogram.count(), 0)
}

fn counted(histogram: &Histogram) -> Value {
    json!({ "count": histogram.count(), "mean_us": histogram.mean_micros() })
}
