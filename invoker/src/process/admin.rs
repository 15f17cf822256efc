//! The admin port from the first moment of the process on. `GET /status` tells how the invoker is, once there is
//! one; the logs of what is running are in `live_logs.rs`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev::ServerHandle;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;
use whirl_service::admin::{self, AdminParts};
use whirl_service::keys::Token;

use super::live_logs;
use super::shown::Shown;
use crate::invoker::Invoker;

/// The port and what it shows.
pub(super) struct AdminPort {
    server: ServerHandle,
    shown: Shown,
}

impl AdminPort {
    /// Serves liveness, readiness and metrics; what is running is shown to who has the token.
    pub(super) fn open(address: SocketAddr, parts: AdminParts, token: Token) -> io::Result<Self> {
        let shown = Shown::default();
        let data = web::Data::new(Arc::clone(&shown));
        let token = web::Data::new(token);
        let routes = move |config: &mut ServiceConfig| {
            config
                .app_data(data.clone())
                .app_data(token.clone())
                .route("/status", web::get().to(status))
                .route("/activations/{id}/logs", web::get().to(live_logs::follow));
        };
        let server = admin::serve(TcpListener::bind(address)?, parts, routes)?;
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { server: handle, shown })
    }

    /// From now on this invoker's status is told.
    pub(super) fn show(&self, invoker: Invoker) {
        self.shown.get_or_init(|| invoker);
    }

    /// Ends the serving.
    pub(super) async fn close(self) {
        self.server.stop(true).await;
    }
}

async fn status(shown: web::Data<Shown>) -> HttpResponse {
    let Some(invoker) = shown.get() else {
        return HttpResponse::ServiceUnavailable()
            .json(json!({ "error": "the invoker has not started yet" }));
    };
    let status = invoker.status();
    HttpResponse::Ok().json(json!({
        "invoker": status.id.0,
        "epoch": status.epoch,
        "status": status.willingness,
        "reason": status.reason,
        "containers": status.pool.containers,
        "memory": { "used": status.pool.memory_used, "total": status.pool.memory_total },
        "cpu": { "used": status.pool.cpu_used, "total": status.pool.cpu_total },
        "gpus": status.pool.gpus,
        "waiting": status.pool.waiting,
    }))
}
