//! Where in etcd things are, all under `/whirl/CLUSTER/`:
//! `invokers/NUMBER` and `controllers/NUMBER` (leased records), `ids/NAME` (an invoker's number, for good) and
//! `claims/NAME` (leased).

use std::ops::Range;

use whirl_model::{ControllerId, InvokerId};

use super::config::unusable;
use crate::coordination::CoordinationError;

/// The keys of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    root: String,
}

/// Whose record a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MemberKey {
    Invoker(InvokerId),
    Controller(ControllerId),
}

impl Keys {
    pub(super) fn of(cluster: &str) -> Result<Self, CoordinationError> {
        if cluster.is_empty() || cluster.contains('/') {
            return Err(unusable("cluster name", "it is empty or has a slash in it"));
        }
        Ok(Self { root: format!("/whirl/{cluster}/") })
    }

    pub(super) fn member(&self, member: MemberKey) -> String {
        match member {
            MemberKey::Invoker(id) => format!("{}invokers/{}", self.root, id.0),
            MemberKey::Controller(id) => format!("{}controllers/{}", self.root, id.0),
        }
    }

    pub(super) fn controllers(&self) -> String {
        format!("{}controllers/", self.root)
    }

    /// From the first controller to the last invoker, in one range: one watch sees everything in one order. The
    /// numbers of names lie between and are seen too.
    pub(super) fn members(&self) -> Range<String> {
        // '0' is the character after '/'.
        format!("{}controllers/", self.root)..format!("{}invokers0", self.root)
    }

    pub(super) fn name(&self, name: &str) -> String {
        format!("{}ids/{name}", self.root)
    }

    pub(super) fn names(&self) -> String {
        format!("{}ids/", self.root)
    }

    pub(super) fn claim(&self, name: &str) -> String {
        format!("{}claims/{name}", self.root)
    }

    /// Whose record is under this key, if it is one.
    pub(super) fn whose(&self, key: &[u8]) -> Option<MemberKey> {
        let key = std::str::from_utf8(key).ok()?;
        let (kind, number) = key.strip_prefix(&self.root)?.split_once('/')?;
        let member = match kind {
            "invokers" => MemberKey::Invoker(InvokerId(number.parse().ok()?)),
            "controllers" => MemberKey::Controller(ControllerId(number.parse().ok()?)),
            _ => return None,
        };
        (self.member(member) == key).then_some(member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_their_range_and_nothing_else_is_a_member() {
        let keys = Keys::of("c").unwrap();
        let range = keys.members();
        for member in [MemberKey::Invoker(InvokerId(12)), MemberKey::Controller(ControllerId(0))] {
            let key = keys.member(member);
            assert_eq!(keys.whose(key.as_bytes()), Some(member));
            assert!(range.contains(&key), "{key}");
        }
        assert!(!range.contains(&keys.claim("x")));
        for other in ["/whirl/c/invokers/01", "/whirl/c/invokers/x", "/whirl/c/ids/1", "/whirl/d/invokers/1"]
        {
            assert_eq!(keys.whose(other.as_bytes()), None);
        }
        for name in ["", "a/b"] {
            assert!(Keys::of(name).is_err());
        }
    }
}
