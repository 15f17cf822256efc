//! `POST …/rules/NAME`: switches a rule on or off.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde::Deserialize;
use whirl_model::{EntityPath, RuleStatus};

use super::{if_there, links, relink};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::undisturbed::undisturbed;
use crate::{body, reply};

#[derive(Deserialize)]
struct Wanted {
    status: RuleStatus,
}

#[utoipa::path(
    post,
    path = "/api/v1/namespaces/{namespace}/rules/{name}",
    tag = "rules",
    params(AnEntity),
    responses((status = 200, description = "It has the status, or had it before"), Refused, RefusedWrite)
)]
pub(crate) async fn post(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let api = &call.api;
    let bytes = body::read(call.request.headers(), payload, api.config.request_body_bytes).await?;
    let Wanted { status } = body::parse(&bytes)?;
    undisturbed(async || switch(api, &path, status).await).await?;
    Ok(reply::text("OK"))
}

/// A rule whose trigger is gone is inactive and cannot be switched on: [`ApiError::Missing`].
async fn switch(api: &Api, path: &EntityPath, wanted: RuleStatus) -> Result<(), ApiError> {
    let rule = &api.entities.rule_fresh(path).await?.entity;
    match if_there(api.entities.trigger_fresh(&rule.trigger).await)? {
        Some(trigger) => relink(api, &trigger, &links::switched(&trigger.entity, rule, wanted)).await,
        None if wanted == RuleStatus::Inactive => Ok(()),
        None => Err(ApiError::Missing),
    }
}
