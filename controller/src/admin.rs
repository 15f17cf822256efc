//! What the controller adds to the admin port: how the invokers are, and what is in flight here. Users never
//! reach these paths.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use whirl_scheduling::balancer::Health;

use crate::api::Api;

/// Registers the routes.
pub(crate) fn configure(config: &mut ServiceConfig, api: web::Data<Api>) {
    config
        .app_data(api)
        .route("/invokers", web::get().to(invokers))
        .route("/invokers/", web::get().to(invokers))
        .route("/invokers/healthy/count", web::get().to(healthy_count))
        .route("/invokers/ready", web::get().to(ready))
        .route("/activation", web::get().to(activations))
        .route("/activation/", web::get().to(activations))
        .route("/activation/count", web::get().to(activation_count));
}

/// `{"invoker0":"up", …}`
async fn invokers(api: web::Data<Api>) -> impl Responder {
    let states = api.invokers.states().into_iter();
    let named = states.map(|(id, state)| (id.to_string(), word(state).into()));
    web::Json(named.collect::<serde_json::Map<_, _>>())
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
