//! The images that are being brought to the host, each once for all of a namespace who want it and while one of them
//! does, and not too many for one namespace at once. How they are brought is in `provide.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use whirl_model::{ImageName, Namespace};
use whirl_scheduling::pool::StartFailure;

/// So many images are brought at once for one namespace: a registry that hangs keeps nobody else waiting.
const AT_ONCE: usize = 2;

/// Whether an image was brought.
pub(crate) type Outcome = Result<(), StartFailure>;
type Bringing = BoxFuture<'static, Outcome>;

/// An activation's part in the bringing of its image, which ends with this.
#[derive(Debug)]
pub(crate) struct Provision(AbortHandle);

impl Provision {
    pub(crate) fn new(task: AbortHandle) -> Self {
        Self(task)
    }

    /// Whether the image is still to come.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for Provision {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is being brought. Those who wait keep it going.
#[derive(Default)]
pub(crate) struct Provisions(Mutex<UnderWay>);

#[derive(Default)]
struct UnderWay {
    slots: HashMap<Namespace, Weak<Semaphore>>,
    images: HashMap<(Namespace, ImageName), WeakShared<Bringing>>,
}

impl UnderWay {
    fn slots(&mut self, namespace: &Namespace) -> Arc<Semaphore> {
        self.slots.retain(|_, slots| slots.strong_count() > 0);
        self.slots.get(namespace).and_then(Weak::upgrade).unwrap_or_else(|| {
            let slots = Arc::new(Semaphore::new(AT_ONCE));
            self.slots.insert(namespace.clone(), Arc::downgrade(&slots));
            slots
        })
    }

    /// One that is not over yet.
    fn bringing(&self, key: &(Namespace, ImageName)) -> Option<Shared<Bringing>> {
        self.images.get(key)?.upgrade().filter(|bringing| bringing.peek().is_none())
    }
}

impl Provisions {
    /// Whether the image was brought, once it is: by what was begun for the namespace already, else by this, when its
    /// turn comes.
    pub(crate) fn join(
        &self,
        namespace: &Namespace,
        image: &ImageName,
        bring: impl Future<Output = Outcome> + Send + 'static,
    ) -> Shared<Bringing> {
        let key = (namespace.clone(), image.clone());
        let mut under_way = self.0.lock();
        if let Some(bringing) = under_way.bringing(&key) {
            return bringing;
        }
        let slots = under_way.slots(namespace);
        let bringing = async move {
            let _slot = slots.acquire().await.expect("the semaphore is never closed");
            bring.await
        };
        let bringing = bringing.boxed().shared();
        under_way.images.retain(|_, other| other.upgrade().is_some());
        under_way.images.extend(bringing.downgrade().map(|weak| (key, weak)));
        bringing
    }
}
