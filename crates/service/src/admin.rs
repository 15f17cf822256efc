//! The admin port: metrics, liveness and readiness, on a listener of its own that users never reach. What a
//! component adds to it, the component says.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::header::ContentType;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use parking_lot::Mutex;
use serde::Serialize;

use crate::{Drain, Metrics};

/// What keeps the process from doing its work. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<String, String>>>);

impl Readiness {
    /// A process that nothing keeps from working.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Part `part` cannot work, for a reason; replaces an earlier reason of the part.
    pub fn blocked(&self, part: &str, reason: &str) {
        self.0.lock().insert(part.to_owned(), reason.to_owned());
    }

    /// Part `part` works.
    pub fn clear(&self, part: &str) {
        self.0.lock().remove(part);
    }

    /// The reasons by part; none if the process is ready.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<String, String> {
        self.0.lock().clone()
    }
}

/// What the admin port tells about.
#[derive(Clone)]
pub struct AdminParts {
    /// Shown at `/metrics`.
    pub metrics: Metrics,
    /// Shown at `/ready`.
    pub readiness: Readiness,
    /// A draining process is not ready.
    pub drain: Drain,
}

/// Serves the admin port on `listener` until the returned server is stopped or dropped: `/metrics`,
/// `/health`, `/ready`, and what `configure` adds. It listens to no signals.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve<F>(listener: TcpListener, parts: AdminParts, configure: F) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Send + Clone + 'static,
{
    let server = HttpServer::new(move || {
        let (routes, parts) = (configure.clone(), parts.clone());
        App::new().configure(move |config| common_routes(config, parts)).configure(routes)
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

fn common_routes(config: &mut ServiceConfig, parts: AdminParts) {
    config
        .app_data(web::Data::new(parts))
        .route("/metrics", web::get().to(metrics))
        .route("/health", web::get().to(health))
        .route("/ready", web::get().to(ready));
}

async fn metrics(parts: web::Data<AdminParts>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(parts.metrics.render())
}

async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(r#"{"alive":true}"#)
}

async fn ready(parts: web::Data<AdminParts>) -> HttpResponse {
    #[derive(Serialize)]
    struct Ready {
        ready: bool,
        reasons: BTreeMap<String, String>,
    }
    let mut reasons = parts.readiness.reasons();
    if parts.drain.is_draining() {
        reasons.insert("process".into(), "it is draining".into());
    }
    let answer = Ready { ready: reasons.is_empty(), reasons };
    if answer.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() }.json(answer)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    use super::*;

    #[actix_web::test]
    async fn the_port_tells_life_readiness_and_metrics() {
        let parts = AdminParts { metrics: Metrics::new(), readiness: Readiness::new(), drain: Drain::new() };
        parts.metrics.counter("whirl_x_total", "Xs.").unwrap();
        let app = init_service(App::new().configure(|c| common_routes(c, parts.clone()))).await;
        let get = async |path: &str| {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            let status = response.status();
            (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
        };
        assert_eq!(get("/health").await, (StatusCode::OK, r#"{"alive":true}"#.into()));
        assert_eq!(get("/ready").await, (StatusCode::OK, r#"{"ready":true,"reasons":{}}"#.into()));
        assert!(get("/metrics").await.1.contains("whirl_x_total 0"));
        parts.readiness.blocked("store", "it is away");
        let (status, body) = get("/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body, r#"{"ready":false,"reasons":{"store":"it is away"}}"#);
        parts.readiness.clear("store");
        assert_eq!(get("/ready").await.0, StatusCode::OK);
        parts.drain.begin();
        assert_eq!(get("/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
