//! Actions ready to run: read from the store once per revision, with the stem that their containers grow from.

use std::sync::Arc;

use futures::TryStreamExt;
use moka::sync::Cache;
use whirl_backends::store::{Collection, EntityStore, StoreError};
use whirl_model::limits::{LimitBounds, LimitError};
use whirl_model::{
    Action, ActionPath, ActivationMessage, DocId, Exec, ImageName, Kind, Parameters, Revision,
    RuntimeManifest,
};
use whirl_scheduling::pool::Stem;

use crate::outcome;

/// What an action takes in memory beside the texts in it, and what each of its annotations does.
const BYTES_PER_ACTION: usize = 1024;
const BYTES_PER_ANNOTATION: usize = 256;

/// An action at one revision, without its parameters: an activation brings them with its arguments.
#[derive(Clone)]
pub(crate) struct Runnable {
    pub(crate) action: Arc<Action>,
    pub(crate) revision: Revision,
    pub(crate) stem: Arc<Stem>,
}

/// Why an activation's action cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    #[error("the action is gone")]
    Gone,
    #[error("the action's kind is not offered any more")]
    UnknownKind,
    #[error("the action's limits are not allowed any more")]
    Limits(#[source] LimitError),
    #[error("the action cannot be read")]
    Store(#[source] StoreError),
}

impl ActionError {
    pub(crate) fn response(&self) -> whirl_model::ActivationResponse {
        match self {
            Self::Gone => outcome::action_gone(),
            Self::UnknownKind => outcome::kind_gone(),
            Self::Limits(error) => outcome::limits_gone(error),
            Self::Store(_) => outcome::action_unreadable(),
        }
    }
}

/// The actions that were run lately.
pub(crate) struct Actions {
    store: Arc<dyn EntityStore>,
    manifest: Arc<RuntimeManifest>,
    bounds: LimitBounds,
    cache: Cache<(DocId, Revision), Runnable>,
}

impl Actions {
    /// Keeps so many mebibytes of code and annotations.
    pub(crate) fn new(
        store: Arc<dyn EntityStore>,
        manifest: Arc<RuntimeManifest>,
        bounds: LimitBounds,
        mebibytes: u32,
    ) -> Self {
        let weight = |_: &(DocId, Revision), runnable: &Runnable| weight(&runnable.action);
        let cache = Cache::builder().weigher(weight).max_capacity(u64::from(mebibytes) << 20).build();
        Self { store, manifest, bounds, cache }
    }

    /// The action if it was read before.
    pub(crate) fn cached(&self, message: &ActivationMessage) -> Option<Runnable> {
        self.cache.get(&(DocId::from(&message.action), message.revision.clone()))
    }

    /// Reads the action. Was it changed after the activation was accepted, then the newest one runs.
    pub(crate) async fn read(&self, action: &ActionPath) -> Result<Runnable, ActionError> {
        let id = DocId::from(action);
        let (revision, mut action) = match self.read_document(&id).await {
            Ok(read) => read,
            // The code may be gone because the document was changed between two reads.
            Err(StoreError::NotFound(_) | StoreError::Conflict(_)) => {
                self.read_document(&id).await.map_err(|e| match e {
                    StoreError::NotFound(_) => ActionError::Gone,
                    other => ActionError::Store(other),
                })?
            }
            Err(other) => return Err(ActionError::Store(other)),
        };
        self.bounds.check(&action.limits).map_err(ActionError::Limits)?;
        let stem = self.stem(&action).ok_or(ActionError::UnknownKind)?;
        action.parameters = Parameters::default();
        let runnable =
            Runnable { action: Arc::new(action), revision: revision.clone(), stem: Arc::new(stem) };
        self.cache.insert((id, revision), runnable.clone());
        Ok(runnable)
    }

    async fn read_document(&self, id: &DocId) -> Result<(Revision, Action), StoreError> {
        let document = self.store.get(id).await?;
        if document.collection != Collection::Actions {
            return Err(StoreError::NotFound(id.to_string()));
        }
        let code = match document.attachment_size {
            None => None,
            Some(size) => {
                let mut pieces = self.store.attachment(id, &document.revision).await?;
                let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
                while let Some(piece) = pieces.try_next().await? {
                    bytes.extend_from_slice(&piece);
                }
                Some(String::from_utf8(bytes).map_err(|e| corrupt(id, e))?)
            }
        };
        let action = Action::from_document(&document.body, code.as_deref()).map_err(|e| corrupt(id, e))?;
        Ok((document.revision, action))
    }

    fn stem(&self, action: &Action) -> Option<Stem> {
        let whirl_model::ActionLimits { memory, cpu, gpu, .. } = action.limits.clone();
        match &action.exec {
            Exec::Blackbox { image, .. } => {
                Some(Stem { kind: Kind::blackbox(), image: image.clone(), memory, cpu, gpu })
            }
            Exec::Runtime { kind, .. } => {
                let runtime = self.manifest.resolve(kind)?;
                Some(Stem { kind: kind.clone(), image: runtime.image.clone(), memory, cpu, gpu })
            }
            // No invoker runs one.
            Exec::Sequence { .. } => None,
        }
    }

    /// Whether containers of a stem write the end mark to both streams after each activation.
    pub(crate) fn marks_ends(&self, stem: &Stem) -> bool {
        match self.manifest.resolve(&stem.kind) {
            Some(runtime) => runtime.sentinelled_logs,
            None => self.is_native(&stem.image),
        }
    }

    /// Whether a user's image is one of the platform's own.
    fn is_native(&self, image: &ImageName) -> bool {
        self.manifest.is_native(image)
    }

    /// Whether containers of a stem are made of an image that the platform does not bring itself.
    pub(crate) fn is_users_own(&self, stem: &Stem) -> bool {
        stem.is_users_image() && !self.is_native(&stem.image)
    }
}

/// How many bytes an action without parameters takes in memory, about.
fn weight(action: &Action) -> u32 {
    let code = action.exec.code().map_or(0, |code| code.as_str().len());
    let main = action.exec.main().map_or(0, str::len);
    // The stem has the image once more.
    let image = match &action.exec {
        Exec::Blackbox { image, .. } => 2 * image.to_string().len(),
        Exec::Runtime { .. } | Exec::Sequence { .. } => 0,
    };
    let annotations = action.annotations.iter().map(|annotation| {
        let cipher = annotation.encryption.as_ref().map_or(0, String::len);
        // A list has each key twice.
        BYTES_PER_ANNOTATION + 2 * annotation.key.len() + annotation.value.as_str().len() + cipher
    });
    let bytes = BYTES_PER_ACTION + code + main + image + annotations.sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn corrupt(id: &DocId, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Corrupt { id: id.to_string(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use whirl_backends::embedded::EmbeddedStore;
    use whirl_backends::store::NewDocument;
    use whirl_model::{ActionLimits, Code, Json, Timestamp, Version};

    use super::*;

    const MANIFEST: &str = r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{"name":"node"}}]}}"#;

    /// About a megabyte.
    fn large() -> Parameters {
        let mut list = Parameters::default();
        (0..2000).for_each(|n| list.set(&format!("key-{n}"), Json::of(&"x".repeat(500))));
        list
    }

    fn action() -> Action {
        Action {
            path: "guest/large".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            exec: Exec::Runtime { kind: Kind::new("nodejs:20"), code: Code::new("code of it"), main: None },
            parameters: large(),
            annotations: large(),
            limits: ActionLimits::default(),
            updated: Timestamp(0),
        }
    }

    #[tokio::test]
    async fn what_is_kept_of_an_action_that_is_updated_again_and_again_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let stores = EmbeddedStore::open(&folder.path().join("store")).unwrap().stores();
        let manifest = Arc::new(RuntimeManifest::parse(MANIFEST).unwrap());
        let actions = Actions::new(Arc::clone(&stores.entities), manifest, LimitBounds::default(), 4);
        let (action, mut last) = (action(), None);
        for _ in 0..10 {
            let revision = stores.entities.put(NewDocument::from(&action), last.as_ref()).await.unwrap();
            let read = actions.read(&action.path).await.unwrap();
            assert!(read.action.parameters.is_empty() && read.action.annotations.get("key-1").is_some());
            last = Some(revision);
        }
        actions.cache.run_pending_tasks();
        let kept = actions.cache.entry_count();
        assert!((1..=3).contains(&kept), "{kept} of over a megabyte in 4");
    }
}
