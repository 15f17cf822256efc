//! Where the log of a running activation is. How it is told to a client is in `activations/follow.rs`.

use std::future::Future;
use std::pin::Pin;

use futures::Stream;
use whirl_model::{ActivationId, Namespace};

use crate::invokers::Life;

#[cfg(feature = "cluster")]
mod remote;

#[cfg(feature = "cluster")]
pub use remote::RemoteLogs;

/// An activation whose log is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its id.
    pub activation: ActivationId,
    /// Whose it has to be.
    pub namespace: Namespace,
    /// Lines of it that are known.
    pub from: usize,
    /// Who has it, as far as this controller knows.
    pub at: Option<Life>,
}

/// The lines of a log as they come, each as in the record, without those that are known. It ends when the log is
/// complete, when the activation goes to another container, when it is read too slowly, or cannot be read any more:
/// whoever needs to know which, opens it again.
pub type LiveLog = Pin<Box<dyn Stream<Item = String> + Send>>;

/// An invoker that may have the activation did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an invoker that may run the activation does not answer")]
pub struct Unreachable;

/// What [`LiveLogs::open`] is on its way to.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Option<LiveLog>, Unreachable>> + Send + 'a>>;

/// The invokers, as those who know what is said while activations run.
pub trait LiveLogs: Send + Sync {
    /// The log of an activation that an invoker has, running or waiting; `None` if none has it, or its log is
    /// complete.
    fn open(&self, wanted: Wanted) -> Opening<'_>;
}
