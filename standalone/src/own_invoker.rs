//! The invoker of the same process as the controller sees it: every activation goes there, its health is its own
//! word, and it knows the logs of what is running. It starts after the controller.

use std::sync::OnceLock;

use whirl_controller::{
    Demand, Health, Invokers, Life, LiveLog, LiveLogs, OneInvoker, Opening, Part, Refusal, Resources, Wanted,
};
use whirl_invoker::Invoker;
use whirl_model::{InvokerId, Willingness};

/// The invoker, once it has started.
pub(crate) struct OwnInvoker {
    id: InvokerId,
    invoker: OnceLock<Invoker>,
}

impl OwnInvoker {
    /// An invoker that has not started.
    pub(crate) fn new(id: InvokerId) -> Self {
        Self { id, invoker: OnceLock::new() }
    }

    /// From now on this one is asked.
    pub(crate) fn is(&self, invoker: Invoker) {
        self.invoker.get_or_init(|| invoker);
    }
}

impl Invokers for OwnInvoker {
    fn place(&self, demand: &Demand<'_>) -> Result<Life, Refusal> {
        // Whatever its health: what is accepted waits, durably, until it can be run.
        OneInvoker(self.id).place(demand)
    }

    fn states(&self) -> Vec<(InvokerId, Health)> {
        let health = match self.invoker.get().map(|invoker| invoker.status().willingness) {
            Some(Willingness::Up | Willingness::Draining) => Health::Up,
            Some(Willingness::Unhealthy) => Health::Unhealthy,
            None => Health::Down,
        };
        vec![(self.id, health)]
    }

    fn resources(&self) -> Vec<(InvokerId, Resources)> {
        let load = self.invoker.get().map(Invoker::load);
        let resources = load.map(|load| Resources {
            memory: Part { total: load.memory_total, free: load.memory_free },
            cpu: Part { total: load.cpu_total, free: load.cpu_free },
            gpus: load.gpus,
        });
        resources.map(|resources| (self.id, resources)).into_iter().collect()
    }
}

impl LiveLogs for OwnInvoker {
    fn open(&self, wanted: Wanted) -> Opening<'_> {
        let Wanted { activation, namespace, from, .. } = wanted;
        let log = self.invoker.get().and_then(|invoker| invoker.live_logs(activation, &namespace, from));
        let lines = log.map(|log| -> LiveLog { Box::pin(log.lines()) });
        Box::pin(std::future::ready(Ok(lines)))
    }
}
