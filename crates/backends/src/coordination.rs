//! The coordination seam: who is in the cluster, how they are, and which numbers they have.
//!
//! Every member holds a lease that it renews in the background. A lease that ends, because its holder left,
//! died or froze, takes the member's record and claims with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use whirl_model::{ControllerId, ControllerReport, Epoch, InvokerId, InvokerReport};

#[cfg(feature = "etcd")]
pub mod etcd;
mod fate;
pub mod in_process;

/// Why the coordination did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CoordinationError {
    /// It cannot be reached; the same call may succeed later.
    #[error("the coordination cannot {operation} now")]
    Unavailable {
        /// What was asked, such as "join the cluster".
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It refuses the credentials, or what was asked is not allowed to them. Trying again does not help.
    #[error("the coordination refuses to {operation}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What it was told of the servers or the cluster cannot be right. Trying again does not help.
    #[error("the coordination's {setting} cannot be used")]
    Unusable {
        /// The setting.
        setting: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another living member has this number.
    #[error("{0} is held by another living process")]
    Taken(String),
    /// The member's lease has ended: it is not in the cluster any more and has to join again.
    #[error("the lease has ended")]
    Lost,
}

impl CoordinationError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Taken(_))
    }
}

/// A place in the cluster, held by a lease until the member leaves or dies. Dropping it stops the renewal
/// without a word: the others notice when the lease ends.
#[async_trait]
pub trait Membership: Send + Sync {
    /// Greater than that of every join before it, whoever joined.
    fn epoch(&self) -> Epoch;

    /// Returns when the lease has ended although this member wanted it: it was unreachable or frozen for too
    /// long. Until it is known to have ended, being out of reach is no loss.
    async fn lost(&self);

    /// Why the lease may end soon, for people: the coordination has been out of reach since the last renewal.
    /// `None` while it is renewed, as far as is known. Costs nothing.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Claims a name for as long as the lease lasts: elections and fences are built of it. Whether this member
    /// has it now; `false` if another one has.
    async fn claim(&self, name: &str) -> Result<bool, CoordinationError>;

    /// Gives a claim back. One that is not held is left alone.
    async fn release(&self, name: &str) -> Result<(), CoordinationError>;

    /// Leaves: record and claims are gone at once, or, when this fails, with the lease.
    async fn leave(&self) -> Result<(), CoordinationError>;
}

/// An invoker's place.
#[async_trait]
pub trait InvokerMembership: Membership {
    /// Replaces the invoker's record.
    async fn report(&self, report: &InvokerReport) -> Result<(), CoordinationError>;
}

/// What a watcher sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterEvent {
    /// An invoker joined or reported.
    Invoker {
        /// Its number.
        id: InvokerId,
        /// Its life. A greater one than before means that the life before has ended.
        epoch: Epoch,
        /// How it is.
        report: Arc<InvokerReport>,
    },
    /// An invoker left or its lease ended.
    InvokerGone {
        /// Its number.
        id: InvokerId,
        /// The life that has ended.
        epoch: Epoch,
    },
    /// A controller joined.
    Controller {
        /// Its number.
        id: ControllerId,
        /// What it says of itself.
        report: Arc<ControllerReport>,
    },
    /// A controller left or its lease ended.
    ControllerGone {
        /// Its number.
        id: ControllerId,
    },
    /// From here on the events seen are the whole cluster as it is. Comes after the first listing, and after
    /// every [`Self::Stale`] once what was missed has been made up by events.
    Current,
    /// The cluster is out of sight: what was seen last may be old.
    Stale {
        /// Why, for people.
        reason: String,
    },
}

/// Who watches the cluster.
pub trait Watcher: Send + Sync {
    /// Takes one event. Must not block. One call at a time, each member's events in order.
    fn event(&self, event: ClusterEvent);
}

/// A watch. Dropping it ends it.
pub trait Watching: Send + Sync {}

/// The cluster's common knowledge.
#[async_trait]
pub trait Coordination: Send + Sync {
    /// The number that stays with an invoker's name: the one it had before, else the lowest that no name has.
    async fn invoker_number(&self, name: &str) -> Result<InvokerId, CoordinationError>;

    /// Joins as an invoker. `Taken` while another living member has the number.
    async fn join_invoker(
        &self,
        id: InvokerId,
        report: &InvokerReport,
    ) -> Result<Arc<dyn InvokerMembership>, CoordinationError>;

    /// Joins as a controller, with the lowest number that no living controller has. One of the same name that was
    /// killed a moment ago is waited for, as long as its lease lasts: its number is free then.
    async fn join_controller(
        &self,
        report: &ControllerReport,
    ) -> Result<(ControllerId, Arc<dyn Membership>), CoordinationError>;

    /// Watches the cluster: first everyone who is there, then [`ClusterEvent::Current`], then what changes. It
    /// goes on through every outage until it is dropped.
    fn watch(&self, watcher: Arc<dyn Watcher>) -> Box<dyn Watching>;
}

/// The lowest number that is not among these.
fn lowest_free(taken: impl IntoIterator<Item = u32>) -> u32 {
    let mut free = 0;
    for number in taken.into_iter().collect::<BTreeSet<_>>() {
        if number != free {
            break;
        }
        free += 1;
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_gap_is_free() {
        for (taken, free) in [(vec![], 0), (vec![0, 1, 2], 3), (vec![2, 0, 3], 1), (vec![1, 0, 1, 5], 2)] {
            assert_eq!(lowest_free(taken), free);
        }
    }
}
