//! What invokers and controllers say of themselves to the cluster. How it is leased is the coordination's
//! business, what follows from it the balancer's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::topic::Position;
use crate::{Cores, DocId, GpuReport, Namespace};

/// One life of an invoker: every join gets a greater number than all before. Zero where nothing is leased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an invoker takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Willingness {
    /// It takes work.
    Up,
    /// Its containers fail; it takes none.
    Unhealthy,
    /// It is going to stop: it finishes what it has and takes nothing more.
    Draining,
}

/// How one invoker is. Written when it changed; that it lives is proven by its lease alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvokerReport {
    /// The name that its number stays with.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// Whether it takes work.
    pub status: Willingness,
    /// Why not, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The number of this report in its epoch, from 1 on.
    pub serial: u64,
    /// The first position of its topic that this report does not take into account.
    pub taken: Position,
    /// Mebibytes for all containers together.
    pub memory_total: u32,
    /// Mebibytes that running and waiting activations do not need. Idle containers count as free: they go
    /// when their memory is wanted.
    pub memory_free: u32,
    /// CPU cores for all containers that ask for their own.
    #[serde(default)]
    pub cpu_total: Cores,
    /// Those that running and waiting activations do not need, counted like the memory.
    #[serde(default)]
    pub cpu_free: Cores,
    /// The host's GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuReport>,
    /// Activations taken from the topic that wait for a container.
    pub waiting: u32,
    /// What the host offers, for actions that ask for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// [`placement_hash`]es of actions with an idle container here, a bounded number, the last used first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm: Vec<u64>,
    /// Where controllers ask it for the logs of what is running: the URL of its admin port, `http://HOST:PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// One controller, for whoever looks at the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllerReport {
    /// What it calls itself.
    pub name: String,
    /// The version of its program.
    pub version: String,
}

/// The place of a namespace's action in the hash ring; the same in every process and version (64-bit FNV-1a of
/// `NAMESPACE`, a zero byte and the action's id).
#[must_use]
pub fn placement_hash(namespace: &Namespace, action: &DocId) -> u64 {
    let bytes = namespace.as_str().bytes().chain([0]).chain(action.as_str().bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ActionPath;

    #[test]
    fn the_place_of_an_action_never_changes() {
        let place = |namespace: &str, action: &str| {
            placement_hash(&namespace.parse().unwrap(), &DocId::from(&action.parse::<ActionPath>().unwrap()))
        };
        assert_eq!(place("alice", "alice/hello"), 14_506_538_501_956_718_752);
        assert_ne!(place("alice", "bob/hello"), place("bob", "bob/hello"));
    }

    #[test]
    fn a_report_of_an_older_version_is_read() {
        let report: InvokerReport = serde_json::from_str(
            r#"{"name":"a","version":"1","status":"up","serial":1,"taken":0,"memoryTotal":2,"memoryFree":1,"waiting":0}"#,
        )
        .unwrap();
        assert_eq!((report.status, report.tags, report.warm), (Willingness::Up, vec![], vec![]));
    }
}
