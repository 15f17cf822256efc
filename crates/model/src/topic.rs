//! Names of the bus's topics.

use std::fmt;

use crate::{ControllerId, InvokerId};

/// A topic: messages in order, with one owner who reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Activations for one invoker.
    Activations(InvokerId),
    /// Acknowledgements for one controller.
    Acknowledgements(ControllerId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activations(invoker) => write!(f, "{invoker}"),
            Self::Acknowledgements(controller) => write!(f, "completed{}", controller.0),
        }
    }
}
