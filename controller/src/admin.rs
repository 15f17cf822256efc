//! What the controller adds to the admin port: how the invokers are, what is in flight here and, for those who
//! have the administrator's key, subjects and limits. Users never reach these paths.

mod guard;
mod identities;
mod limits;
mod path;
mod subjects;

use actix_web::dev::HttpServiceFactory;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use indexmap::IndexMap;
use whirl_model::identity::CredentialsError;
use whirl_model::{Credentials, SealedKey};
use whirl_scheduling::balancer::Health;
use whirl_service::admin::AdminParts;

use crate::api::Api;
use crate::api_error::ApiError;
use crate::authenticator::Authenticator;
use crate::{host, reply};

/// Bytes that a body may have.
const BODY_BYTES: u64 = 64 << 10;
/// The part of readiness that tells whether new invocations are taken.
const DISABLED: &str = "controller";

/// Registers the routes.
pub(crate) fn configure(config: &mut ServiceConfig, api: web::Data<Api>) {
    config
        .app_data(api)
        .route("/invokers", web::get().to(invokers))
        .route("/invokers/", web::get().to(invokers))
        .route("/invokers/healthy/count", web::get().to(healthy_count))
        .route("/invokers/ready", web::get().to(ready))
        .route("/invokers/resources", web::get().to(resources))
        .route("/activation", web::get().to(activations))
        .route("/activation/", web::get().to(activations))
        .route("/activation/count", web::get().to(activation_count))
        .service(web::resource("/disable").wrap(from_fn(guard::pass)).post(disable))
        .service(administration());
}

/// What is for administrators alone.
fn administration() -> impl HttpServiceFactory + 'static {
    let url = |path: &str| web::resource(path.to_owned()).default_service(web::to(host::missing));
    let subject =
        url("/subjects/{subject}").post(subjects::create).get(subjects::get).delete(subjects::delete);
    let limits =
        url("/namespaces/{namespace}/limits").get(limits::get).put(limits::put).delete(limits::delete);
    web::scope("/admin")
        .wrap(from_fn(guard::pass))
        .service(subject)
        .service(url("/subjects/{subject}/blocked").put(subjects::block))
        .service(url("/namespaces/{namespace}/identities").get(identities::list))
        .service(limits)
        .service(url("/whois").post(identities::whois))
        .default_service(web::to(host::missing))
}

/// Stops the taking of new invocations until the process ends; what runs goes on.
async fn disable(api: web::Data<Api>, parts: web::Data<AdminParts>) -> HttpResponse {
    api.throttles.disable();
    parts.readiness.blocked(DISABLED, "an administrator has disabled it");
    tracing::warn!("an administrator has disabled the controller: it takes no new invocations");
    reply::text("controller is disabled")
}

/// Credentials as an administrator writes them.
fn credentials(text: &str) -> Result<Credentials, ApiError> {
    text.parse().map_err(|error: CredentialsError| ApiError::malformed(format!("The {error}.")))
}

/// `uuid:key`; `None` if they were sealed with a key that this server does not have.
fn reveal(authenticator: &Authenticator, sealed: &SealedKey, uuid: &str) -> Option<String> {
    let opened = authenticator.open(sealed, uuid);
    opened
        .inspect_err(|error| tracing::warn!(uuid, %error, "credentials cannot be opened"))
        .ok()
        .map(|credentials| credentials.reveal())
}

/// `{"invoker0":"up", …}`
async fn invokers(api: web::Data<Api>) -> impl Responder {
    let states = api.invokers.states().into_iter();
    let named = states.map(|(id, state)| (id.to_string(), word(state).into()));
    web::Json(named.collect::<serde_json::Map<_, _>>())
}

/// `{"invoker0":{"memory":{"total":2048,"free":1792},"cpu":{"total":4,"free":4},"gpus":[…]}, …}`
async fn resources(api: web::Data<Api>) -> impl Responder {
    let all = api.invokers.resources().into_iter();
    web::Json(all.map(|(id, resources)| (id.to_string(), resources)).collect::<IndexMap<_, _>>())
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Up => "up",
        Health::Unhealthy => "unhealthy",
        Health::Unresponsive => "unresponsive",
        Health::Down => "down",
    }
}

async fn healthy_count(api: web::Data<Api>) -> impl Responder {
    web::Json(healthy(&api))
}

/// Ready means that there are invokers and all of them are up.
async fn ready(api: web::Data<Api>) -> HttpResponse {
    let (healthy, all) = (healthy(&api), api.invokers.states().len());
    let share = format!("{healthy}/{all}");
    if all > 0 && healthy == all {
        HttpResponse::Ok().json(serde_json::json!({ "healthy": share }))
    } else {
        HttpResponse::InternalServerError().json(serde_json::json!({ "unhealthy": share }))
    }
}

fn healthy(api: &Api) -> usize {
    api.invokers.states().iter().filter(|(_, state)| *state == Health::Up).count()
}

/// Pairs of activation id and action.
async fn activations(api: web::Data<Api>) -> impl Responder {
    let in_flight = api.acknowledgements.in_flight().into_iter();
    web::Json(in_flight.map(|(id, action)| [id.to_string(), action.to_string()]).collect::<Vec<_>>())
}

async fn activation_count(api: web::Data<Api>) -> impl Responder {
    web::Json(api.acknowledgements.in_flight_count())
}
