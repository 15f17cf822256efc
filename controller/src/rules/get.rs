//! `GET …/rules/NAME`.

use actix_web::HttpResponse;
use whirl_model::RuleStatus;

use super::{if_there, links};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused};
use crate::reply;

#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/rules/{name}",
    tag = "rules",
    params(AnEntity),
    responses((status = 200, description = "The rule and its status"), Refused)
)]
pub(crate) async fn get(call: Call) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let entities = &call.api.entities;
    let rule = entities.rule_fresh(&path).await?;
    let trigger = if_there(entities.trigger_fresh(&rule.entity.trigger).await)?;
    let status = trigger.and_then(|trigger| links::status(&trigger.entity, &path));
    Ok(reply::json(&rule.entity.to_json(status.unwrap_or(RuleStatus::Inactive))))
}
