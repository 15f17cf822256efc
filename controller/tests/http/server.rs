//! One controller, served on a thread and ports of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use whirl_controller::{Controller, ControllerParts};
use whirl_model::Topic;
use whirl_service::Readiness;
use whirl_service::admin::{self, AdminParts};

use crate::invoker::ScriptedInvoker;

/// A controller that serves.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
    pub(crate) gateway_address: SocketAddr,
    servers: Vec<ServerHandle>,
    runtime: tokio::runtime::Handle,
    thread: Option<JoinHandle<()>>,
}

/// What the thread tells when it serves.
struct Running {
    servers: Vec<ServerHandle>,
    runtime: tokio::runtime::Handle,
}

impl Server {
    /// Serves it, and has the invoker, if one is given, read its topic on the same thread.
    pub(crate) fn start(parts: ControllerParts, invoker: Option<Arc<ScriptedInvoker>>) -> Self {
        let listeners = [(), (), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [address, admin_address, gateway_address] = listeners.each_ref().map(|l| l.local_addr().unwrap());
        let (running, told) = mpsc::channel();
        let thread = std::thread::spawn(move || serve(parts, invoker, listeners, &running));
        let Running { servers, runtime } = told.recv().unwrap();
        Self { address, admin_address, gateway_address, servers, runtime, thread: Some(thread) }
    }

    /// Runs something on the server's own runtime.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (sender, receiver) = mpsc::channel();
        self.runtime.spawn(async move { sender.send(work.await) });
        receiver.recv().expect("the work ends")
    }

    /// Tells the API's server to stop, letting open requests end.
    pub(crate) fn stop_gracefully(&self) {
        let stopping = self.servers[0].stop(true);
        self.runtime.spawn(stopping);
    }
}

fn serve(
    parts: ControllerParts,
    invoker: Option<Arc<ScriptedInvoker>>,
    [listener, admin_listener, gateway_listener]: [TcpListener; 3],
    running: &mpsc::Sender<Running>,
) {
    actix_web::rt::System::new().block_on(async {
        let topic = Topic::Activations(ScriptedInvoker::ID);
        let _reading = invoker.map(|invoker| parts.bus.subscribe(topic, invoker, usize::MAX));
        let admin_parts = AdminParts {
            metrics: parts.metrics.clone(),
            readiness: Readiness::new(),
            drain: parts.drain.clone(),
        };
        let controller = Controller::new(parts).unwrap();
        let gateway = controller.serve_gateway(vec![gateway_listener]).unwrap();
        let api = controller.serve(vec![listener]).unwrap();
        let admin = admin::serve(admin_listener, admin_parts, controller.admin_routes()).unwrap();
        let servers = vec![api.handle(), admin.handle(), gateway.handle()];
        running.send(Running { servers, runtime: tokio::runtime::Handle::current() }).unwrap();
        let (api, admin, gateway) = tokio::join!(api, admin, gateway);
        api.and(admin).and(gateway).unwrap();
    });
}

impl Drop for Server {
    fn drop(&mut self) {
        for server in self.servers.drain(..) {
            // The command is sent at once; that it was followed shows by the end of the thread.
            drop(server.stop(false));
        }
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}
