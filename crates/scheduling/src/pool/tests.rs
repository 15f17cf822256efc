//! What the pool does, told as scripts: here their words, in the modules what they tell.

mod deadlines;
mod deaths;
mod drain;
mod eviction;
mod freezer;
mod gpus;
mod images;
mod instances;
mod load;
mod reasons;
mod rejection;
mod reuse;
mod stem_cells;
mod waiting;

use std::sync::Arc;

use whirl_model::{ActivationId, Cores, DocId, GpuAmount, GpuDevice, GpuId, GpuLimit, Kind, Revision};

use super::*;

fn request(n: u128, action: &str) -> Request {
    request_of(n, action, &stem(256))
}

fn request_of(n: u128, action: &str, stem: &Arc<Stem>) -> Request {
    Request {
        activation: activation(n),
        key: WarmKey {
            namespace: "guest".parse().unwrap(),
            action: DocId::from(action),
            revision: Revision::from("1-a".to_owned()),
            binding: None,
            environment: None,
        },
        stem: Arc::clone(stem),
        concurrency: 1,
        instances: None,
        deadline: None,
        awaits_image: false,
    }
}

/// The same, of another revision.
fn updated(mut request: Request) -> Request {
    request.key.revision = Revision::from("2-b".to_owned());
    request
}

/// The same, through a binding.
fn bound(mut request: Request, binding: &str) -> Request {
    request.key.binding = Some(format!("guest/{binding}").parse().unwrap());
    request
}

/// The same, with arguments for `/init`.
fn given(mut request: Request, environment: u8) -> Request {
    request.key.environment = Some([environment; 32]);
    request
}

/// The same, run for another namespace.
fn of_mallory(mut request: Request) -> Request {
    request.key.namespace = "mallory".parse().unwrap();
    request
}

fn shared(n: u128, action: &str, concurrency: u32) -> Request {
    Request { concurrency, ..request(n, action) }
}

fn stem(memory: u32) -> Arc<Stem> {
    Arc::new(Stem {
        kind: Kind::new("nodejs:20"),
        image: "whirl/node:1".parse().unwrap(),
        memory,
        cpu: None,
        gpu: None,
    })
}

fn python(memory: u32) -> Arc<Stem> {
    Arc::new(Stem { kind: Kind::new("python:3.11"), ..(*stem(memory)).clone() })
}

fn gpu_stem(amount: GpuAmount, class: Option<&str>) -> Arc<Stem> {
    let class = class.map(|class| class.parse().unwrap());
    Arc::new(Stem { gpu: Some(GpuLimit { amount, class }), ..(*stem(256)).clone() })
}

fn device(id: &str, class: &str, ways: u32) -> GpuDevice {
    GpuDevice { id: GpuId::new(id), model: String::new(), class: class.parse().unwrap(), memory: 0, ways }
}

fn activation(n: u128) -> ActivationId {
    ActivationId::from_bits(n)
}

const fn secs(n: u64) -> Moment {
    Moment::from_secs(n)
}

fn failure() -> StartFailure {
    StartFailure { message: "no image".into(), developers: true }
}

fn start(id: u64, stem: &Arc<Stem>) -> Effect {
    start_with(id, stem, &[])
}

fn start_with(id: u64, stem: &Arc<Stem>, gpus: &[&str]) -> Effect {
    Effect::Start(ContainerId(id), Arc::clone(stem), gpus.iter().copied().map(GpuId::new).collect())
}

fn initialise(id: u64, n: u128, reason: ColdReason) -> Effect {
    Effect::Initialise(ContainerId(id), activation(n), Cold { origin: Origin::NewContainer, reason })
}

fn take_stem_cell(id: u64, n: u128, reason: ColdReason) -> Effect {
    Effect::Initialise(ContainerId(id), activation(n), Cold { origin: Origin::StemCell, reason })
}

fn run(id: u64, n: u128) -> Effect {
    Effect::Run(ContainerId(id), activation(n))
}

fn resume(id: u64, n: u128) -> Effect {
    Effect::Resume(ContainerId(id), activation(n))
}

fn pause(id: u64) -> Effect {
    Effect::Pause(ContainerId(id))
}

fn destroy(id: u64) -> Effect {
    Effect::Destroy(ContainerId(id))
}

fn reject(n: u128, rejection: Rejection) -> Effect {
    Effect::Reject(activation(n), rejection)
}

/// A pool with verbs. Wake-ups and credit are left out of what they answer, but of `raw`.
struct Script {
    pool: Pool,
    now: Moment,
}

impl Script {
    fn new(config: PoolConfig) -> Self {
        Self { pool: Pool::new(config), now: Moment::ZERO }
    }

    fn with_memory(memory: u32) -> Self {
        Self::new(PoolConfig { memory, ..PoolConfig::default() })
    }

    fn with_gpus(gpus: &[GpuDevice]) -> Self {
        Self::new(PoolConfig { gpus: gpus.to_vec(), ..PoolConfig::default() })
    }

    fn raw(&mut self, event: Event) -> Vec<Effect> {
        self.pool.handle(self.now, event)
    }

    fn after(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.raw(event);
        effects.retain(|e| !matches!(e, Effect::WakeAt(_) | Effect::GrantCredit(_)));
        effects
    }

    fn arrives(&mut self, request: Request) -> Vec<Effect> {
        self.after(Event::Arrived(request))
    }

    fn started(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Started(ContainerId(id)))
    }

    fn start_fails(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::StartFailed(ContainerId(id), failure()))
    }

    fn initialised(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Initialised(ContainerId(id)))
    }

    fn ends(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Ended(ContainerId(id), Fate::Keep))
    }

    fn breaks(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Ended(ContainerId(id), Fate::Discard))
    }

    fn condemned(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Condemned(ContainerId(id)))
    }

    fn paused(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Paused(ContainerId(id)))
    }

    fn pause_put_off(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::PausePutOff(ContainerId(id)))
    }

    fn resumed(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Resumed(ContainerId(id)))
    }

    fn freezer_fails(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::FreezerFailed(ContainerId(id)))
    }

    fn removed(&mut self, id: u64) -> Vec<Effect> {
        self.after(Event::Removed(ContainerId(id)))
    }

    /// The time comes, and a tick with it.
    fn at(&mut self, now: Moment) -> Vec<Effect> {
        self.now = now;
        self.after(Event::Tick)
    }

    /// A new container runs the request.
    fn cold(&mut self, id: u64, request: Request) {
        self.arrives(request);
        self.started(id);
        self.initialised(id);
        assert!(self.count("busy") > 0, "{:?}", self.pool.status());
    }

    /// A new container has run the request, and idles.
    fn warm(&mut self, id: u64, request: Request) {
        let idle = self.count("idle");
        self.arrives(request);
        self.started(id);
        self.initialised(id);
        self.ends(id);
        assert_eq!(self.count("idle"), idle + 1, "{:?}", self.pool.status());
    }

    fn count(&self, state: &str) -> usize {
        self.pool.status().containers.get(state).copied().unwrap_or_default()
    }
}
