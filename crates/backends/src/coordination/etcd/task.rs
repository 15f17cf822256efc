//! Work in the background that ends with whoever wanted it.

use tokio::task::JoinHandle;

use crate::coordination::Watching;

/// A task that is ended when this is dropped.
pub(super) struct Task(pub(super) JoinHandle<()>);

impl Task {
    pub(super) fn end(&self) {
        self.0.abort();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.end();
    }
}

impl Watching for Task {}
