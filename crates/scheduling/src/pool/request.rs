//! What asks for a container, and what containers are asked for by.

use std::sync::Arc;

use whirl_model::{ActivationId, Cores, DocId, EntityPath, GpuLimit, ImageName, Kind, Namespace, Revision};

use crate::Moment;

/// Names a container within one pool; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(pub u64);

/// What a container is before it has code. Containers of one stem are interchangeable until initialised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stem {
    /// The runtime's kind, or `blackbox`.
    pub kind: Kind,
    /// The image it is made of.
    pub image: ImageName,
    /// Mebibytes of memory.
    pub memory: u32,
    /// CPU cores that are its own, if it has any.
    pub cpu: Option<Cores>,
    /// GPUs, if it has any.
    pub gpu: Option<GpuLimit>,
}

impl Stem {
    /// Whether a user named the image: whether it can be had and starts, and how soon, is not up to the platform.
    #[must_use]
    pub fn is_users_image(&self) -> bool {
        self.kind == Kind::blackbox()
    }

    /// Whether the two share their starting slots.
    pub(super) fn starts_like(&self, other: &Self) -> bool {
        self.is_users_image() == other.is_users_image()
    }
}

/// Whose code an initialised container holds, and with what. It serves requests of exactly this key, ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WarmKey {
    /// The namespace that invokes, not the one that owns the action.
    pub namespace: Namespace,
    /// The action.
    pub action: DocId,
    /// Its state.
    pub revision: Revision,
    /// The binding through which it is invoked, if it is.
    pub binding: Option<EntityPath>,
    /// A digest of the arguments that `/init` is given, if it is given any.
    pub environment: Option<[u8; 32]>,
}

impl WarmKey {
    pub(super) fn action_key(&self) -> ActionKey {
        ActionKey { namespace: self.namespace.clone(), action: self.action.clone() }
    }

    /// Whether it is the same action of the same namespace, in another state or with something else.
    pub(super) fn is_other_form_of(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.action == other.action && self != other
    }
}

/// An action as one namespace invokes it, in whatever form: what limits of instances count by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ActionKey {
    namespace: Namespace,
    action: DocId,
}

/// An activation that wants to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub activation: ActivationId,
    /// Which initialised containers can serve it.
    pub key: WarmKey,
    /// Which stem cells can be initialised for it.
    pub stem: Arc<Stem>,
    /// How many activations one container may run at once, at least 1.
    pub concurrency: u32,
    /// How many containers may hold the action at once, one being removed included; at least 1, and as many as
    /// there is room for if not set.
    pub instances: Option<u32>,
    /// When it is too late to begin. It is rejected then if it still waits.
    pub deadline: Option<Moment>,
    /// Whether its stem's image has to be provided before a container is started for it:
    /// [`Effect::Provide`](super::Effect::Provide) asks for that.
    pub awaits_image: bool,
}
