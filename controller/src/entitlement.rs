//! Who may do what: pure decisions from the caller's namespace and the resource. Whether the resource exists
//! is not known here, so that a refusal tells nothing about it.

use whirl_backends::store::Collection;
use whirl_model::{ActionPath, EntityPath, Namespace, Package};

/// The caller has no right to the named resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forbidden(pub(crate) String);

/// What a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visible {
    /// Everything in it.
    All,
    /// What its owner shares with everyone.
    Shared,
}

/// May `caller` list a collection of `owner`'s? Packages of others show as far as they are shared.
pub(crate) fn list(caller: &Namespace, owner: &Namespace, what: Collection) -> Result<Visible, Forbidden> {
    if caller == owner {
        Ok(Visible::All)
    } else if what == Collection::Packages {
        Ok(Visible::Shared)
    } else {
        Err(Forbidden(owner.to_string()))
    }
}

/// May `caller` see what of `owner`'s is never shared: activations, limits, its contents as a whole?
pub(crate) fn namespace(caller: &Namespace, owner: &Namespace) -> Result<(), Forbidden> {
    owned(caller, owner, || owner.to_string())
}

/// May `caller` write or delete the action, or also read and invoke one of the default package? Only its owner
/// may: nothing is shared but packages.
pub(crate) fn action(caller: &Namespace, path: &ActionPath) -> Result<(), Forbidden> {
    owned(caller, &path.namespace, || path.to_string())
}

/// May `caller` write or delete the package, or do anything with the trigger or rule? Only its owner may.
pub(crate) fn entity(caller: &Namespace, path: &EntityPath) -> Result<(), Forbidden> {
    owned(caller, &path.namespace, || path.to_string())
}

/// Whether `reader` may read the package and use what it holds: its owner may, and everyone if it is shared.
pub(crate) fn reads(reader: &Namespace, package: &Package) -> bool {
    package.publish || reader == &package.path.namespace
}

fn owned(caller: &Namespace, owner: &Namespace, resource: impl FnOnce() -> String) -> Result<(), Forbidden> {
    if caller == owner { Ok(()) } else { Err(Forbidden(resource())) }
}

#[cfg(test)]
mod tests {
    use whirl_model::{Parameters, Timestamp, Version};

    use super::*;

    #[test]
    fn owners_may_and_others_may_not() {
        let [alice, bob]: [Namespace; 2] = ["alice", "bob"].map(|n| n.parse().unwrap());
        let path: ActionPath = "bob/util/hello".parse().unwrap();
        assert_eq!(action(&bob, &path), Ok(()));
        assert_eq!(action(&alice, &path), Err(Forbidden("bob/util/hello".into())));
        assert_eq!(namespace(&alice, &bob), Err(Forbidden("bob".into())));
        let path: EntityPath = "bob/tick".parse().unwrap();
        assert_eq!(entity(&bob, &path), Ok(()));
        assert_eq!(entity(&alice, &path), Err(Forbidden("bob/tick".into())));
        assert_eq!(list(&bob, &bob, Collection::Rules), Ok(Visible::All));
        assert_eq!(list(&alice, &bob, Collection::Rules), Err(Forbidden("bob".into())));
        assert_eq!(list(&alice, &bob, Collection::Packages), Ok(Visible::Shared));
    }

    #[test]
    fn shared_packages_are_read_by_all() {
        let [alice, bob]: [Namespace; 2] = ["alice", "bob"].map(|n| n.parse().unwrap());
        for (publish, others_may) in [(false, false), (true, true)] {
            let package = Package {
                path: "bob/util".parse().unwrap(),
                version: Version::FIRST,
                publish,
                binding: None,
                parameters: Parameters::default(),
                annotations: Parameters::default(),
                updated: Timestamp(1),
            };
            assert!(reads(&bob, &package));
            assert_eq!(reads(&alice, &package), others_may);
        }
    }
}
