//! A controller on a port of its own with two users, and verbs to arrange what a test needs. What makes it one
//! of a cluster is in `cluster.rs`.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use serde_json::{Value, json};
use tempfile::TempDir;
use whirl_backends::bus::{
    Bus, BusError, Consumer, Durability, Listener, Listening, Message, Progress, Subscription,
};
use whirl_backends::journal::{Journal, JournalOptions, Unfinished};
use whirl_backends::store::Stores;
use whirl_backends::{EmbeddedStore, InProcessBus};
use whirl_controller::{ControllerConfig, ControllerParts, Invokers, MemberConfig, OneInvoker, Throttles};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{
    ActivationId, ControllerId, Credentials, EntityChange, NamespaceLimits, Position, RuntimeManifest,
    Subject, Topic,
};
use whirl_service::keys::new_credentials;
use whirl_service::{AdminKey, Drain, Metrics, ServerKey};

use crate::client::Client;
use crate::invoker::ScriptedInvoker;
use crate::live_logs::ScriptedLogs;
use crate::server::Server;

const MANIFEST: &str = r#"{"runtimes":{
    "nodejs":[{"kind":"nodejs:20","default":true,"image":{"name":"node"}},
              {"kind":"nodejs:12","deprecated":true,"image":{"name":"node12"}}],
    "java":[{"kind":"java:8","requireMain":true,"image":{"name":"java"}}]}}"#;

/// Everything a test may look at or disturb.
pub(crate) struct World {
    pub(crate) invoker: Arc<ScriptedInvoker>,
    pub(crate) bus: Arc<TroubledBus>,
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) stores: Stores,
    pub(crate) drain: Drain,
    pub(crate) logs: Arc<ScriptedLogs>,
    pub(crate) metrics: Metrics,
    pub(crate) alice_key: Credentials,
    bob_key: Credentials,
    key: ServerKey,
    server: Server,
    folder: TempDir,
}

/// How a controller is to be.
pub(crate) struct Setting {
    pub(crate) config: ControllerConfig,
    pub(crate) member: Option<MemberConfig>,
    pub(crate) invokers: Arc<dyn Invokers>,
    pub(crate) metrics: Metrics,
    /// Other stores than the embedded one.
    pub(crate) stores: Option<Stores>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            config: unthrottled(),
            member: None,
            invokers: Arc::new(OneInvoker(ScriptedInvoker::ID)),
            metrics: Metrics::new(),
            stores: None,
        }
    }
}

/// The default settings, but nobody makes too many requests.
pub(crate) fn unthrottled() -> ControllerConfig {
    let plenty = u32::MAX;
    let throttles =
        Throttles { actions_per_minute: plenty, triggers_per_minute: plenty, concurrent_actions: plenty };
    ControllerConfig { throttles, ..ControllerConfig::default() }
}

impl World {
    pub(crate) fn start() -> Self {
        Self::start_as(Setting::default())
    }

    pub(crate) fn start_with(config: ControllerConfig) -> Self {
        Self::start_as(Setting { config, ..Setting::default() })
    }

    pub(crate) fn start_as(setting: Setting) -> Self {
        let mut world = Self::begin(tempfile::tempdir().unwrap(), setting, |_| ());
        world.alice_key = world.add_subject("alice", false);
        world.bob_key = world.add_subject("bob", false);
        world
    }

    /// Ends the process, whatever it is at, and starts another one on what it left, with another invoker.
    pub(crate) fn restarted(self, prepare: impl FnOnce(&ScriptedInvoker)) -> Self {
        self.restarted_as(Setting::default(), prepare)
    }

    /// The same with other settings.
    pub(crate) fn restarted_as(self, setting: Setting, prepare: impl FnOnce(&ScriptedInvoker)) -> Self {
        let Self { alice_key, bob_key, folder, server, invoker, bus, store, stores, .. } = self;
        drop((server, invoker, bus, store, stores));
        Self { alice_key, bob_key, ..Self::begin(folder, setting, prepare) }
    }

    /// A process on a folder that an earlier one may have used; nobody has credentials yet.
    fn begin(folder: TempDir, setting: Setting, prepare: impl FnOnce(&ScriptedInvoker)) -> Self {
        let database = folder.path().join("whirl.db");
        let store = once_free("the store", || EmbeddedStore::open(&database).ok());
        let stores = setting.stores.unwrap_or_else(|| store.stores());
        let unfinished = recover(&folder.path().join("journal"), &stores);
        let of_invokers = |u: &&Unfinished| matches!(u.topic, Topic::Activations(_));
        let redelivered = unfinished.1.iter().filter(of_invokers).map(|u| u.message.clone()).collect();
        let bus = Arc::new(TroubledBus {
            inner: InProcessBus::new(Some(unfinished)),
            full: AtomicBool::new(false),
        });
        let invoker = Arc::new(ScriptedInvoker::new(bus.clone(), stores.activations.clone()));
        prepare(&invoker);
        let key = ServerKey::load_or_create(&folder.path().join("server.key")).unwrap();
        let admin_key = folder.path().join("admin.key");
        let (drain, metrics) = (Drain::new(), setting.metrics.clone());
        let logs = Arc::new(ScriptedLogs::default());
        let parts = ControllerParts {
            id: ControllerId(0),
            manifest: Arc::new(RuntimeManifest::parse(MANIFEST).unwrap()),
            stores: stores.clone(),
            bus: bus.clone(),
            key: key.clone(),
            admin_key: Some(AdminKey::load_or_create(&admin_key).unwrap()),
            drain: drain.clone(),
            config: ControllerConfig { workers: 2, ..setting.config },
            member: setting.member,
            invokers: setting.invokers,
            live_logs: logs.clone(),
            metrics: setting.metrics,
            redelivered,
        };
        let server = Server::start(parts, Some(invoker.clone()));
        Self {
            invoker,
            bus,
            store,
            stores,
            drain,
            logs,
            metrics,
            alice_key: new_credentials(),
            bob_key: new_credentials(),
            key,
            server,
            folder,
        }
    }

    /// Adds a subject whose one namespace has its name.
    pub(crate) fn add_subject(&self, name: &str, blocked: bool) -> Credentials {
        let credentials = new_credentials();
        let namespace = SubjectNamespace {
            name: name.parse().unwrap(),
            uuid: credentials.uuid().to_owned(),
            key_hash: self.key.hash(&credentials),
            sealed_key: self.key.seal(&credentials, credentials.uuid().as_bytes()),
        };
        let subject = Subject { subject: format!("{name}-subject"), namespaces: vec![namespace], blocked };
        let subjects = self.stores.subjects.clone();
        self.run(async move { subjects.put(&subject, None).await.unwrap() });
        credentials
    }

    pub(crate) fn alice(&self) -> Client {
        Client::with_credentials(self.server.address, &self.alice_key.reveal())
    }

    pub(crate) fn bob(&self) -> Client {
        Client::with_credentials(self.server.address, &self.bob_key.reveal())
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::anonymous(self.server.address)
    }

    /// Someone at the API gateway.
    pub(crate) fn gateway(&self) -> Client {
        Client::anonymous(self.server.gateway_address)
    }

    pub(crate) fn admin(&self) -> Client {
        Client::anonymous(self.server.admin_address)
    }

    /// Someone at the admin port who has the administrator's key.
    pub(crate) fn administrator(&self) -> Client {
        let key = std::fs::read_to_string(self.folder.path().join("admin.key")).unwrap();
        Client::with_authorization(self.server.admin_address, &format!("Bearer {}", key.trim_end()))
    }

    /// Someone with these credentials, `UUID:KEY`.
    pub(crate) fn user(&self, credentials: &str) -> Client {
        Client::with_credentials(self.server.address, credentials)
    }

    /// Someone who sends this as `Authorization`.
    pub(crate) fn someone(&self, authorization: &str) -> Client {
        Client::with_authorization(self.server.address, authorization)
    }

    /// Alice has an action of this name.
    #[track_caller]
    pub(crate) fn has_action(&self, name: &str) -> Value {
        self.has_action_with(name, &json!({}))
    }

    /// Alice has an action of this name and these other members.
    #[track_caller]
    pub(crate) fn has_action_with(&self, name: &str, members: &Value) -> Value {
        let mut body = json!({"exec": {"kind": "nodejs:20", "code": "function main() {}"}});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.alice().put(&format!("actions/{name}"), &body).ok()
    }

    /// From now on Alice's namespace has these limits, for who has not asked yet.
    pub(crate) fn limits(&self, limits: NamespaceLimits) {
        let subjects = self.stores.subjects.clone();
        self.run(async move { subjects.put_limits(&"alice".parse().unwrap(), &limits).await.unwrap() });
    }

    /// Alice has a trigger of this name.
    #[track_caller]
    pub(crate) fn has_trigger(&self, name: &str) -> Value {
        self.alice().put(&format!("triggers/{name}"), &json!({})).ok()
    }

    /// Alice has a rule of this name.
    #[track_caller]
    pub(crate) fn has_rule(&self, name: &str, trigger: &str, action: &str) -> Value {
        let body = json!({"trigger": format!("/_/{trigger}"), "action": format!("/_/{action}")});
        self.alice().put(&format!("rules/{name}"), &body).ok()
    }

    /// Another controller on the same store and bus, which nobody administers.
    pub(crate) fn neighbour(&self, id: u32, setting: Setting) -> Neighbour {
        let parts = ControllerParts {
            id: ControllerId(id),
            config: ControllerConfig { workers: 1, ..setting.config },
            member: setting.member,
            manifest: Arc::new(RuntimeManifest::parse(MANIFEST).unwrap()),
            stores: self.stores.clone(),
            bus: self.bus.clone(),
            invokers: setting.invokers,
            live_logs: self.logs.clone(),
            key: self.key.clone(),
            admin_key: None,
            metrics: setting.metrics,
            drain: Drain::new(),
            redelivered: Vec::new(),
        };
        Neighbour { server: Server::start(parts, None), alice_key: self.alice_key.clone() }
    }

    /// Runs something on the server's own runtime.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.server.run(work)
    }

    /// Tells the API's server to stop, letting open requests end.
    pub(crate) fn stop_gracefully(&self) {
        self.server.stop_gracefully();
    }

    /// Waits until the invoker has got so many activations.
    pub(crate) fn wait_until_seen(&self, number: usize) {
        wait_for("the invoker gets activations", || self.invoker.seen().len() >= number);
    }

    /// The record of an activation of Alice's, once it is stored.
    pub(crate) fn record(&self, id: &str) -> Value {
        let path = format!("activations/{id}");
        wait_for("the record is stored", || self.alice().get(&path).status == 200);
        self.alice().get(&path).ok()
    }

    /// The number of activations in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.admin().get("/activation/count").json().as_u64().unwrap()
    }
}

/// The value of an annotation; null if there is none.
pub(crate) fn annotation<'v>(entity: &'v Value, key: &str) -> &'v Value {
    let all = entity["annotations"].as_array().unwrap();
    all.iter().find(|one| one["key"] == key).map_or(&Value::Null, |one| &one["value"])
}

/// Opens what an earlier process may have for another moment.
fn once_free<T>(what: &str, open: impl Fn() -> Option<T>) -> T {
    let opened = RefCell::new(None);
    wait_for(&format!("{what} can be opened"), || {
        *opened.borrow_mut() = open();
        opened.borrow().is_some()
    });
    opened.into_inner().expect("it was opened")
}

/// What an earlier process left, once it is gone; the records in it are stored.
fn recover(journal: &Path, stores: &Stores) -> (Arc<Journal>, Vec<Unfinished>) {
    let open = || Journal::open(journal, JournalOptions::default()).ok();
    let (journal, recovered) = once_free("the journal", open);
    let ended: Vec<_> = recovered.ended.into_iter().map(Arc::new).collect();
    actix_web::rt::System::new().block_on(stores.activations.put_all(&ended)).unwrap();
    ended.iter().for_each(|record| journal.recorded(record.activation_id));
    (journal, recovered.unfinished)
}

/// Waits for a condition, at most ten seconds.
pub(crate) fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen that {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What `count` gives when no minute began meanwhile. Each attempt needs a world of its own.
pub(crate) fn within_a_minute<T>(count: impl Fn() -> T) -> T {
    let minute = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 60;
    loop {
        let before = minute();
        let counted = count();
        if minute() == before {
            return counted;
        }
    }
}

/// A second controller.
pub(crate) struct Neighbour {
    server: Server,
    alice_key: Credentials,
}

impl Neighbour {
    /// Someone at its API gateway.
    pub(crate) fn gateway(&self) -> Client {
        Client::anonymous(self.server.gateway_address)
    }

    /// Someone at its admin port.
    pub(crate) fn admin(&self) -> Client {
        Client::anonymous(self.server.admin_address)
    }

    pub(crate) fn alice(&self) -> Client {
        Client::with_credentials(self.server.address, &self.alice_key.reveal())
    }
}

/// The in-process bus, which can be made to refuse activations.
pub(crate) struct TroubledBus {
    inner: Arc<InProcessBus>,
    full: AtomicBool,
}

impl TroubledBus {
    /// From now on says that it is full.
    pub(crate) fn is_full(&self) {
        self.full.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Bus for TroubledBus {
    async fn publish(
        &self,
        topic: Topic,
        message: Message,
        durability: Durability,
    ) -> Result<Position, BusError> {
        if self.full.load(Ordering::SeqCst) && matches!(message, Message::Activation(_)) {
            return Err(BusError::Full);
        }
        self.inner.publish(topic, message, durability).await
    }

    async fn make_durable(&self, topic: Topic) -> Result<(), BusError> {
        self.inner.make_durable(topic).await
    }

    fn subscribe(&self, topic: Topic, consumer: Arc<dyn Consumer>, credit: usize) -> Box<dyn Subscription> {
        self.inner.subscribe(topic, consumer, credit)
    }

    fn progress(&self, activation: ActivationId) -> Option<Progress> {
        self.inner.progress(activation)
    }

    async fn announce(&self, change: EntityChange) -> Result<(), BusError> {
        self.inner.announce(change).await
    }

    fn listen(&self, listener: Arc<dyn Listener>) -> Box<dyn Listening> {
        self.inner.listen(listener)
    }
}
