//! What a run cost: the annotation `receipt` of its record. Times are counted elsewhere; this writes them down.

use std::time::Duration;

use serde::{Serialize, Serializer};
use whirl_model::Json;

use crate::preparation::Preparation;

/// What is counted of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunReceipt {
    /// How its container came.
    pub(crate) preparation: Preparation,
    /// From the request's arrival to the beginning of `/init`, or of `/run` if there was none.
    pub(crate) wait: Duration,
    /// `/init`, if it was called.
    pub(crate) init: Option<Duration>,
    /// `/run`; nothing if it did not come to that.
    pub(crate) run: Duration,
    /// CPU time of the container, if it can be told.
    pub(crate) cpu: Option<Duration>,
    /// Mebibytes that the action may use.
    pub(crate) memory: u32,
    /// What the invoker took beside the wait for a container, `/init` and `/run`.
    pub(crate) overhead: Duration,
}

impl RunReceipt {
    /// `{"start":"cold","reason":"first","waitMs":3,"initMs":41.25,"runMs":7.031,…}`
    pub(crate) fn to_json(self) -> Json {
        let busy = self.init.unwrap_or_default() + self.run;
        Json::of(&Written {
            start: self.preparation.start(),
            reason: self.preparation.reason(),
            wait: Millis::of(self.wait),
            init: self.init.map(Millis::of),
            run: Millis::of(self.run),
            cpu: self.cpu.map(Millis::of),
            memory_times_time: Millis::of(busy).times(self.memory),
            overhead: Millis::of(self.overhead),
        })
    }
}

#[derive(Serialize)]
struct Written {
    start: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(rename = "waitMs")]
    wait: Millis,
    #[serde(rename = "initMs", skip_serializing_if = "Option::is_none")]
    init: Option<Millis>,
    #[serde(rename = "runMs")]
    run: Millis,
    #[serde(rename = "cpuMs", skip_serializing_if = "Option::is_none")]
    cpu: Option<Millis>,
    #[serde(rename = "memoryMbMs")]
    memory_times_time: Millis,
    #[serde(rename = "overheadMs")]
    overhead: Millis,
}

/// Thousandths, as a number with at most three decimals.
#[derive(Clone, Copy)]
struct Millis(u64);

impl Millis {
    fn of(span: Duration) -> Self {
        Self(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }

    fn times(self, factor: u32) -> Self {
        Self(self.0.saturating_mul(factor.into()))
    }
}

impl Serialize for Millis {
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 thousandths, which are 285 years")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use whirl_scheduling::pool::{Cold, ColdReason, Origin};

    use super::*;

    #[test]
    fn a_cold_run_tells_why_and_all_that_it_took() {
        let receipt = RunReceipt {
            preparation: Preparation::Initialise(Cold {
                origin: Origin::NewContainer,
                reason: ColdReason::Evicted,
            }),
            wait: Duration::from_millis(312),
            init: Some(Duration::from_micros(41_250)),
            run: Duration::from_nanos(7_031_999),
            cpu: Some(Duration::from_micros(30_100)),
            memory: 256,
            overhead: Duration::from_micros(420),
        };
        assert_eq!(
            receipt.to_json().as_str(),
            r#"{"start":"cold","reason":"evicted","waitMs":312,"initMs":41.25,"runMs":7.031,"cpuMs":30.1,"memoryMbMs":12359.936,"overheadMs":0.42}"#
        );
    }

    #[test]
    fn a_warm_run_has_no_reason_no_initialisation_and_no_cpu_time_that_is_not_known() {
        let receipt = RunReceipt {
            preparation: Preparation::None,
            wait: Duration::ZERO,
            init: None,
            run: Duration::from_millis(5),
            cpu: None,
            memory: 128,
            overhead: Duration::ZERO,
        };
        assert_eq!(
            receipt.to_json().as_str(),
            r#"{"start":"warm","waitMs":0,"runMs":5,"memoryMbMs":640,"overheadMs":0}"#
        );
    }
}
