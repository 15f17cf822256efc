//! Who hears of changes in this process.

use std::sync::Arc;

use parking_lot::Mutex;
use whirl_model::EntityChange;

use super::{Listener, Listening};

/// Listeners, in the order in which they came. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<Mutex<Vec<Arc<dyn Listener>>>>);

impl Listeners {
    /// Adds one until what is returned is dropped.
    pub(super) fn add(&self, listener: Arc<dyn Listener>) -> Box<dyn Listening> {
        self.0.lock().push(Arc::clone(&listener));
        Box::new(Hearing { listeners: self.clone(), listener })
    }

    pub(super) fn tell(&self, change: &EntityChange) {
        self.each(|listener| listener.changed(change));
    }

    #[cfg(feature = "kafka")]
    pub(super) fn tell_of_missed(&self) {
        self.each(|listener| listener.missed_some());
    }

    /// No lock is held while a listener works.
    fn each(&self, tell: impl Fn(&dyn Listener)) {
        let listeners = self.0.lock().clone();
        listeners.iter().for_each(|listener| tell(&**listener));
    }
}

struct Hearing {
    listeners: Listeners,
    listener: Arc<dyn Listener>,
}

impl Listening for Hearing {}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.listeners.0.lock().retain(|other| !Arc::ptr_eq(other, &self.listener));
    }
}
