//! What a watcher has been shown, and so what it has to be told next: pure, no etcd in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use whirl_model::Epoch;

use super::keys::{Keys, MemberKey};
use crate::coordination::ClusterEvent;

pub(super) struct View {
    keys: Keys,
    shown: BTreeMap<MemberKey, Shown>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Shown {
    epoch: Epoch,
    written: i64,
}

/// A key and its value, as listed or as just written.
pub(super) struct Record<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    /// The revision it was created at: its life.
    pub(super) created: i64,
    /// The revision it was written at last.
    pub(super) written: i64,
}

impl View {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys, shown: BTreeMap::new() }
    }

    /// All there is now. Who is not among it has gone.
    pub(super) fn listed<'a>(&mut self, records: impl Iterator<Item = Record<'a>>) -> Vec<ClusterEvent> {
        let records: Vec<_> = records.collect();
        let there: BTreeSet<_> = records.iter().filter_map(|record| self.keys.whose(record.key)).collect();
        let gone: Vec<_> = self.shown.keys().filter(|member| !there.contains(member)).copied().collect();
        let mut events: Vec<_> = gone.into_iter().filter_map(|member| self.forget(member)).collect();
        events.extend(records.iter().flat_map(|record| self.written(record)));
        events
    }

    /// One was written.
    pub(super) fn written(&mut self, record: &Record) -> Vec<ClusterEvent> {
        let Some(member) = self.keys.whose(record.key) else { return Vec::new() };
        let now = Shown { epoch: Epoch(record.created.unsigned_abs()), written: record.written };
        let before = self.shown.get(&member).copied();
        if before == Some(now) {
            return Vec::new();
        }
        let Some(seen) = seen(member, now.epoch, record) else { return Vec::new() };
        let another_life = before.is_some_and(|before| before.epoch != now.epoch);
        let gone = if another_life { self.forget(member) } else { None };
        self.shown.insert(member, now);
        gone.into_iter().chain([seen]).collect()
    }

    /// One was deleted.
    pub(super) fn deleted(&mut self, key: &[u8]) -> Option<ClusterEvent> {
        self.forget(self.keys.whose(key)?)
    }

    fn forget(&mut self, member: MemberKey) -> Option<ClusterEvent> {
        let Shown { epoch, .. } = self.shown.remove(&member)?;
        Some(match member {
            MemberKey::Invoker(id) => ClusterEvent::InvokerGone { id, epoch },
            MemberKey::Controller(id) => ClusterEvent::ControllerGone { id },
        })
    }
}

fn seen(member: MemberKey, epoch: Epoch, record: &Record) -> Option<ClusterEvent> {
    Some(match member {
        MemberKey::Invoker(id) => ClusterEvent::Invoker { id, epoch, report: parsed(record)? },
        MemberKey::Controller(id) => ClusterEvent::Controller { id, report: parsed(record)? },
    })
}

/// What the record says. One of no known form is not shown: nothing can be given to a member that cannot be
/// understood.
fn parsed<T: DeserializeOwned>(record: &Record) -> Option<Arc<T>> {
    serde_json::from_slice(record.value)
        .inspect_err(|error| {
            let key = String::from_utf8_lossy(record.key);
            tracing::warn!(%key, error = error as &dyn std::error::Error, "a record cannot be understood");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use whirl_model::{ControllerId, InvokerId};

    use super::*;
    use crate::contract::coordination::{controller, report};

    /// Under which key, created and written when. The value says when it was written.
    fn record(key: &'static str, created: i64, written: i64) -> (String, Vec<u8>, i64, i64) {
        let value = if key.starts_with("invokers") {
            serde_json::to_vec(&report(written.unsigned_abs()))
        } else {
            serde_json::to_vec(&controller())
        };
        (format!("/whirl/c/{key}"), value.unwrap(), created, written)
    }

    fn listed(view: &mut View, records: &[(String, Vec<u8>, i64, i64)]) -> Vec<ClusterEvent> {
        view.listed(records.iter().map(|(key, value, created, written)| Record {
            key: key.as_bytes(),
            value,
            created: *created,
            written: *written,
        }))
    }

    fn invoker(id: u32, epoch: u64, serial: u64) -> ClusterEvent {
        ClusterEvent::Invoker { id: InvokerId(id), epoch: Epoch(epoch), report: Arc::new(report(serial)) }
    }

    fn gone(id: u32, epoch: u64) -> ClusterEvent {
        ClusterEvent::InvokerGone { id: InvokerId(id), epoch: Epoch(epoch) }
    }

    #[test]
    fn a_second_listing_tells_what_was_missed_and_nothing_else() {
        let mut view = View::new(Keys::of("c").unwrap());
        let first = [
            record("controllers/0", 3, 3),
            record("ids/name", 1, 1),
            record("invokers/1", 2, 2),
            record("invokers/2", 4, 6),
            record("invokers/3", 5, 5),
        ];
        let joined = ClusterEvent::Controller { id: ControllerId(0), report: Arc::new(controller()) };
        assert_eq!(
            listed(&mut view, &first),
            [joined.clone(), invoker(1, 2, 2), invoker(2, 4, 6), invoker(3, 5, 5)]
        );
        assert_eq!(listed(&mut view, &first), []);

        // While nobody looked: another controller 0, invoker 1 gone, 2 in a new life, 3 with a new report.
        let second = [record("controllers/0", 9, 9), record("invokers/2", 8, 8), record("invokers/3", 5, 7)];
        let left = ClusterEvent::ControllerGone { id: ControllerId(0) };
        assert_eq!(
            listed(&mut view, &second),
            [gone(1, 2), left, joined, gone(2, 4), invoker(2, 8, 8), invoker(3, 5, 7)]
        );
        assert_eq!(view.deleted(b"/whirl/c/invokers/3"), Some(gone(3, 5)));
        assert_eq!(view.deleted(b"/whirl/c/invokers/3"), None);
    }

    #[test]
    fn what_cannot_be_understood_is_not_shown() {
        let mut view = View::new(Keys::of("c").unwrap());
        let foreign = |key: &str| (format!("/whirl/c/{key}"), b"{}".to_vec(), 1, 1);
        let records = [
            foreign("controllers/x"),
            foreign("invokers/1"),
            foreign("claims/2"),
            record("invokers/2", 1, 1),
        ];
        assert_eq!(listed(&mut view, &records), [invoker(2, 1, 1)]);
        assert_eq!(view.deleted(b"/whirl/c/invokers/1"), None);
    }
}
