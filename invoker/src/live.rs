//! The logs of activations while they run, for whoever follows them. What a line is, and when a log is complete,
//! `logs` decides.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use whirl_model::{ActivationId, ActivationMessage, Namespace};

use crate::container::Running;
use crate::logs::Watch;

/// The log of an activation that has not ended, or whose log is not complete: first what was said so far.
pub struct LiveLog(oneshot::Receiver<Watch>);

/// Somebody who waits for a log to begin, and how many lines of it they have.
struct Waiting {
    from: usize,
    watch: oneshot::Sender<Watch>,
}

impl LiveLog {
    /// The lines, as in the record. They end when the log is complete, when the activation goes from one container
    /// to another, and when they are read too slowly: then it can be opened again.
    pub fn lines(self) -> impl Stream<Item = String> + Send + 'static {
        let watch = stream::once(self.0).filter_map(async |watch| watch.ok());
        watch.flat_map(|Watch { so_far, more }| {
            let more = stream::unfold(more, async |mut more| Some((more.next().await?, more)));
            stream::iter(so_far).chain(more)
        })
    }
}

/// The activations that this invoker has taken and whose logs are not complete.
#[derive(Default)]
pub(crate) struct Live(Mutex<HashMap<ActivationId, Taken>>);

struct Taken {
    message: Arc<ActivationMessage>,
    /// Where it runs, once it does.
    container: Option<Arc<Running>>,
    /// Who follows it and waits for its beginning.
    waiting: Vec<Waiting>,
}

impl Live {
    /// An activation waits for a container.
    pub(crate) fn taken(&self, message: &Arc<ActivationMessage>) {
        if let Entry::Vacant(place) = self.0.lock().entry(message.activation_id) {
            place.insert(Taken { message: Arc::clone(message), container: None, waiting: Vec::new() });
        }
    }

    /// Its log has begun in this container's book.
    pub(crate) fn begun(&self, activation: ActivationId, container: &Arc<Running>) {
        let mut all = self.0.lock();
        let Some(taken) = all.get_mut(&activation) else { return };
        taken.container = Some(Arc::clone(container));
        for waiting in taken.waiting.drain(..) {
            if let Some(watch) = container.book.lock().watch(activation, waiting.from) {
                // Who has gone meanwhile needs no log.
                let _ = waiting.watch.send(watch);
            }
        }
    }

    /// Its log is complete, or it never had one.
    pub(crate) fn over(&self, activation: ActivationId) {
        self.0.lock().remove(&activation);
    }

    /// The log of an activation of a namespace, without its first `from` lines.
    pub(crate) fn follow(
        &self,
        activation: ActivationId,
        namespace: &Namespace,
        from: usize,
    ) -> Option<LiveLog> {
        let mut all = self.0.lock();
        let taken = all.get_mut(&activation).filter(|taken| taken.message.caller.namespace == *namespace)?;
        let (sender, watch) = oneshot::channel();
        match taken.container.as_ref().and_then(|container| container.book.lock().watch(activation, from)) {
            // Cannot fail: the receiver is here.
            Some(watch) => drop(sender.send(watch)),
            None => {
                taken.waiting.retain(|waiting| !waiting.watch.is_closed());
                taken.waiting.push(Waiting { from, watch: sender });
            }
        }
        Some(LiveLog(watch))
    }
}
