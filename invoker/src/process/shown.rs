//! What the routes of the admin port show: the invoker, which starts later than the port is open.

use std::sync::{Arc, OnceLock};

use crate::invoker::Invoker;

/// The invoker, once there is one.
pub(super) type Shown = Arc<OnceLock<Invoker>>;
