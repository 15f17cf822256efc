//! What has to happen to a container before an activation runs in it, and the words for that.

use whirl_scheduling::pool::{Cold, ColdReason, Origin};

/// What has to happen before `/run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    /// Nothing: the container is warm.
    None,
    /// It is thawed.
    Resume,
    /// It gets its code.
    Initialise(Cold),
}

impl Preparation {
    /// How the container came.
    pub(crate) fn start(self) -> &'static str {
        match self {
            Self::None => "warm",
            Self::Resume => "resumed",
            Self::Initialise(Cold { origin: Origin::StemCell, .. }) => "stem",
            Self::Initialise(Cold { origin: Origin::NewContainer, .. }) => "cold",
        }
    }

    /// Why it is not a warm one, if it is not.
    pub(crate) fn reason(self) -> Option<&'static str> {
        let Self::Initialise(cold) = self else { return None };
        Some(match cold.reason {
            ColdReason::First => "first",
            ColdReason::Busy => "busy",
            ColdReason::Updated => "updated",
            ColdReason::Evicted => "evicted",
            ColdReason::Expired => "expired",
            ColdReason::Broken => "broken",
        })
    }
}
