//! `DELETE …/rules/NAME`, whatever its status: its trigger's link goes first.

use actix_web::HttpResponse;
use whirl_model::RuleStatus;

use super::{if_there, links, relink};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::reply;
use crate::undisturbed::undisturbed;

#[utoipa::path(
    delete,
    path = "/api/v1/namespaces/{namespace}/rules/{name}",
    tag = "rules",
    params(AnEntity),
    responses((status = 200, description = "The rule that was deleted"), Refused, RefusedWrite)
)]
pub(crate) async fn delete(call: Call) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let api = &call.api;
    let deleted = undisturbed(async || {
        let rule = api.entities.rule_fresh(&path).await?;
        if let Some(trigger) = if_there(api.entities.trigger_fresh(&rule.entity.trigger).await)? {
            relink(api, &trigger, &links::without(&trigger.entity, &path)).await?;
        }
        api.delete_entity(rule.entity.doc_id(), &rule.revision).await?;
        Ok(rule)
    });
    Ok(reply::json(&deleted.await?.entity.to_json(RuleStatus::Inactive)))
}
