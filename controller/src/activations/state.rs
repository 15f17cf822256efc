//! `GET …/activations/ID/state`: how far an accepted activation got, which the record alone does not tell
//! before its end.

use actix_web::HttpResponse;
use serde::Serialize;
use whirl_backends::bus::Progress;
use whirl_model::{ActivationId, ActivationRecord, EntityName, Json, Timestamp};

use super::named;
use crate::acknowledgements::Flight;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnActivation, Refused};
use crate::reply;

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It waits for a container, as far as is known.
    Pending,
    /// It has started, and its record is not there yet.
    Running,
    /// Its record is there.
    Finished,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    activation_id: ActivationId,
    state: State,
    name: EntityName,
    /// The action, as in the record's annotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Timestamp>,
}

/// `pending`, `running` or `finished`. What is in flight only the controller knows that accepted it: another one of a
/// cluster answers 404 until the record is there. In a cluster an activation is `pending` until it has ended, as
/// its start is not told.
#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations/{id}/state",
    tag = "activations",
    params(AnActivation),
    responses((status = 200, description = "How far it got"), Refused)
)]
pub(crate) async fn state(call: Call) -> Result<HttpResponse, ApiError> {
    let (namespace, id) = named(&call)?;
    let api = &call.api;
    if let Some(flight) = api.acknowledgements.flight(&namespace, id) {
        let state = match api.bus.progress(id) {
            Some(Progress::MayHaveStarted) => State::Running,
            Some(Progress::NotStarted) | None => State::Pending,
        };
        return Ok(report(&of_flight(&flight, state)));
    }
    match super::find(api, &namespace, id).await {
        Ok(record) => Ok(report(&of_record(&record))),
        Err(missing) => match api.acknowledgements.ended(&namespace, id) {
            Some(flight) => Ok(report(&of_flight(&flight, State::Running))),
            None => Err(missing),
        },
    }
}

fn report(report: &Report) -> HttpResponse {
    reply::json(&Json::of(report))
}

fn of_flight(flight: &Flight, state: State) -> Report {
    Report {
        activation_id: flight.id,
        state,
        name: flight.action.name.clone(),
        path: Some(flight.action.to_string()),
        accepted: Some(flight.arrived),
        start: None,
        end: None,
    }
}

fn of_record(record: &ActivationRecord) -> Report {
    let waited = record.annotations.get("waitTime").and_then(|wait| wait.as_str().parse::<u64>().ok());
    Report {
        activation_id: record.activation_id,
        state: State::Finished,
        name: record.name.clone(),
        path: record.annotations.get("path").and_then(Json::to_text),
        accepted: waited.map(|waited| Timestamp(record.start.0.saturating_sub(waited))),
        start: Some(record.start),
        end: record.end,
    }
}
