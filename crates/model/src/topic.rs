//! Names of the bus's topics.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ControllerId, InvokerId};

/// A topic: messages in order, with one owner who reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Activations for one invoker.
    Activations(InvokerId),
    /// Acknowledgements for one controller.
    Acknowledgements(ControllerId),
    /// Sequences and compositions that one controller runs: activations that are made of others.
    Sequences(ControllerId),
}

/// A message's place in its topic: later ones are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activations(invoker) => write!(f, "{invoker}"),
            Self::Acknowledgements(controller) => write!(f, "completed{}", controller.0),
            Self::Sequences(controller) => write!(f, "sequences{}", controller.0),
        }
    }
}
