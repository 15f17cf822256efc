//! The admin port from the first moment of the process on: first without, then with what the controller adds
//! to it. Connections that come in between wait a moment.

use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use whirl_service::admin::{self, AdminParts};

/// The port and who serves it.
pub(super) struct AdminPort {
    listener: TcpListener,
    parts: AdminParts,
    server: ServerHandle,
}

impl AdminPort {
    /// Serves liveness, readiness and metrics.
    pub(super) fn open(address: SocketAddr, parts: AdminParts) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let server = serve(&listener, &parts, |_: &mut ServiceConfig| {})?;
        Ok(Self { listener, parts, server })
    }

    /// Serves this too from now on.
    pub(super) async fn add<F>(&mut self, routes: F) -> io::Result<()>
    where
        F: Fn(&mut ServiceConfig) + Send + Clone + 'static,
    {
        self.server.stop(true).await;
        self.server = serve(&self.listener, &self.parts, routes)?;
        Ok(())
    }

    /// Ends the serving.
    pub(super) async fn close(self) {
        self.server.stop(true).await;
    }
}

fn serve<F>(listener: &TcpListener, parts: &AdminParts, routes: F) -> io::Result<ServerHandle>
where
    F: Fn(&mut ServiceConfig) + Send + Clone + 'static,
{
    let server = admin::serve(listener.try_clone()?, parts.clone(), routes)?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}
