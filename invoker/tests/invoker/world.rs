//! An invoker with verbs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::sync::mpsc;
use whirl_backends::bus::in_process::InProcessBus;
use whirl_backends::bus::{Bus, Consumer, Delivery, Durability, Message, Subscription};
use whirl_backends::contract::{new_activation_id, new_namespace};
use whirl_backends::coordination::in_process::InProcessCoordination;
use whirl_backends::embedded::EmbeddedStore;
use whirl_backends::journal::{Journal, JournalOptions};
use whirl_backends::store::{NewDocument, Stores};
use whirl_containers::scripted::{Call, Script, ScriptedFactory};
use whirl_invoker::{HeartbeatConfig, Invoker, InvokerConfig, InvokerParts, MemberParts, register_metrics};
use whirl_model::limits::LimitBounds;
use whirl_model::*;
use whirl_service::keys::{ServerKey, new_credentials};
use whirl_service::{Metrics, Readiness};

/// Nothing here takes longer, unless it never happens.
const PATIENCE: Duration = Duration::from_secs(20);

/// One kind, without stem cells.
pub(crate) const MANIFEST: &str = r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{"name":"node"}}]}}"#;

pub(crate) struct World {
    pub(crate) factory: ScriptedFactory,
    pub(crate) stores: Stores,
    pub(crate) invoker: Invoker,
    pub(crate) credentials: Credentials,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) bus: Arc<InProcessBus>,
    pub(crate) caller: Caller,
    answers: mpsc::UnboundedReceiver<Arc<Acknowledgement>>,
    _acknowledgements: Box<dyn Subscription>,
    folder: Arc<TempDir>,
}

/// What is set before the invoker starts.
pub(crate) struct Setting {
    pub(crate) script: Script,
    pub(crate) config: InvokerConfig,
    pub(crate) manifest: &'static str,
    pub(crate) bounds: LimitBounds,
    /// Stands between the invoker and the store.
    pub(crate) wrap: fn(Stores) -> Stores,
    /// Stands between the invoker and the bus.
    pub(crate) wrap_bus: fn(Arc<dyn Bus>) -> Arc<dyn Bus>,
    /// Of which cluster it is a member.
    pub(crate) cluster: Option<Arc<InProcessCoordination>>,
    pub(crate) folder: Arc<TempDir>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            script: Script::default(),
            config: InvokerConfig { record_gather_milliseconds: 1, ..InvokerConfig::default() },
            manifest: MANIFEST,
            bounds: LimitBounds::default(),
            wrap: |stores| stores,
            wrap_bus: |bus| bus,
            cluster: None,
            folder: Arc::new(tempfile::tempdir().unwrap()),
        }
    }
}

struct Answers(mpsc::UnboundedSender<Arc<Acknowledgement>>);

impl Consumer for Answers {
    fn deliver(&self, delivery: Delivery) {
        if let Message::Acknowledgement(acknowledgement) = delivery.message {
            let _nobody_asks_any_more = self.0.send(acknowledgement);
        }
    }
}

impl World {
    pub(crate) async fn scripted(script: Script) -> Self {
        Self::start(Setting { script, ..Setting::default() }).await
    }

    pub(crate) async fn start(setting: Setting) -> Self {
        let Setting { script, config, manifest, bounds, wrap, wrap_bus, cluster, folder } = setting;
        let store = EmbeddedStore::open(&folder.path().join("store")).unwrap();
        let (journal, recovered) =
            Journal::open(&folder.path().join("journal"), JournalOptions::default()).unwrap();
        let bus = InProcessBus::new(Some((journal, recovered.unfinished)));
        let (sender, answers) = mpsc::unbounded_channel();
        let topic = Topic::Acknowledgements(ControllerId(0));
        let acknowledgements = bus.subscribe(topic, Arc::new(Answers(sender)), 1000);
        let (key, credentials) = (ServerKey::from_bytes(&[7; 32]), new_credentials());
        let caller = Caller {
            subject: "alice-01".into(),
            namespace: new_namespace(),
            uuid: credentials.uuid().to_owned(),
            sealed_key: key.seal(&credentials, credentials.uuid().as_bytes()),
        };
        let (factory, metrics) = (ScriptedFactory::new(script), Metrics::new());
        let (stores, readiness) = (store.stores(), Readiness::new());
        let member = cluster.map(|coordination| MemberParts {
            name: "host-a".into(),
            tags: vec!["gpu".into()],
            endpoint: None,
            config: HeartbeatConfig { report_milliseconds: 5, probe_seconds: 0, quiet_milliseconds: 50 },
            coordination,
            readiness: readiness.clone(),
        });
        let invoker = Invoker::start(InvokerParts {
            id: InvokerId(0),
            owner: "test".into(),
            config,
            manifest: Arc::new(RuntimeManifest::parse(manifest).unwrap()),
            stores: wrap(stores.clone()),
            bus: wrap_bus(bus.clone()),
            factory: Arc::new(factory.clone()),
            host: whirl_invoker::containers::Host::default(),
            key,
            env: BTreeMap::new(),
            bounds,
            metrics: register_metrics(&metrics).unwrap(),
            member,
        });
        let invoker = invoker.await.unwrap();
        let _acknowledgements = acknowledgements;
        Self {
            factory,
            stores,
            invoker,
            credentials,
            readiness,
            metrics,
            bus,
            caller,
            answers,
            _acknowledgements,
            folder,
        }
    }

    /// Where everything is that outlives the process.
    pub(crate) fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    pub(crate) fn action(&self, name: &str) -> Action {
        Action {
            path: format!("{}/{name}", self.caller.namespace).parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            exec: Exec::Runtime { kind: Kind::new("nodejs:20"), code: Code::new("code of it"), main: None },
            parameters: Parameters::default(),
            annotations: serde_json::from_str(r#"[{"key":"provide-api-key","value":false}]"#).unwrap(),
            limits: ActionLimits { timeout: 5_000, ..ActionLimits::default() },
            updated: Timestamp::from_system(SystemTime::now()),
        }
    }

    /// Stores the action; gives a message that invokes it and waits.
    pub(crate) async fn message(&self, action: &Action, arguments: &str) -> ActivationMessage {
        let revision = match self.stores.entities.get(&action.doc_id()).await {
            Ok(present) => present.revision,
            Err(_) => self.stores.entities.put(NewDocument::from(action), None).await.unwrap(),
        };
        ActivationMessage {
            activation_id: new_activation_id(),
            transaction: TransactionId::from_random([7; 32]),
            arrived: Timestamp::from_system(SystemTime::now()),
            action: action.path.clone(),
            version: action.version,
            revision,
            caller: self.caller.clone(),
            controller: ControllerId(0),
            epoch: self.invoker.status().epoch,
            blocking: true,
            arguments: serde_json::from_str(arguments).unwrap(),
            init_arguments: action.init_parameters(),
            cause: None,
            binding: None,
            keep: Keep::Always,
            trace_parent: None,
        }
    }

    pub(crate) async fn publish(&self, message: ActivationMessage) -> ActivationId {
        let id = message.activation_id;
        let message = Message::Activation(Arc::new(message));
        self.bus.publish(Topic::Activations(InvokerId(0)), message, Durability::Process).await.unwrap();
        id
    }

    /// The next acknowledgement.
    pub(crate) async fn acknowledgement(&mut self) -> Arc<Acknowledgement> {
        let answer = tokio::time::timeout(PATIENCE, self.answers.recv()).await.expect("an answer in time");
        answer.unwrap()
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Arc<ActivationRecord> {
        self.acknowledgement().await.record.clone().expect("a record")
    }

    pub(crate) async fn invoke(&mut self, action: &Action, arguments: &str) -> Arc<ActivationRecord> {
        let message = self.message(action, arguments).await;
        let id = self.publish(message).await;
        let record = self.answer().await;
        assert_eq!(record.activation_id, id);
        record
    }

    /// The record as it is stored, once it is.
    pub(crate) async fn stored(&self, id: ActivationId) -> ActivationRecord {
        let namespace = &self.caller.namespace;
        eventually("the record", async || self.stores.activations.get(namespace, id).await.ok()).await
    }

    /// How often each of the calls was made: create, init, run, pause, resume, destroy.
    pub(crate) fn counts(&self) -> [usize; 6] {
        let calls = self.factory.calls();
        let count = |like: fn(&Call) -> bool| calls.iter().filter(|c| like(c)).count();
        [
            count(|c| matches!(c, Call::Create(_))),
            count(|c| matches!(c, Call::Init(..))),
            count(|c| matches!(c, Call::Run(..))),
            count(|c| matches!(c, Call::Pause(_))),
            count(|c| matches!(c, Call::Resume(_))),
            count(|c| matches!(c, Call::Destroy(_))),
        ]
    }

    pub(crate) fn idle(&self) -> usize {
        self.in_state("idle")
    }

    /// How many containers the pool has in a state.
    pub(crate) fn in_state(&self, state: &str) -> usize {
        self.invoker.status().pool.containers.get(state).copied().unwrap_or_default()
    }
}

pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn annotation(record: &ActivationRecord, key: &str) -> Option<String> {
    record.annotations.get(key).map(|v| v.as_str().to_owned())
}

/// The receipt in a record.
pub(crate) fn receipt(record: &ActivationRecord) -> serde_json::Value {
    serde_json::from_str(&annotation(record, "receipt").expect("a receipt")).unwrap()
}

pub(crate) fn result(record: &ActivationRecord) -> &str {
    record.response.result.as_ref().map_or("", |r| r.as_str())
}
