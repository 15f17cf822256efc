//! `PUT …/rules/NAME`: creates, or updates where `overwrite` allows it. `rules.rs` tells in which order its two
//! documents are written, and why.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_backends::store::NewDocument;
use whirl_model::{ActionPath, EntityPath, Revision, Rule, RuleStatus, Timestamp, Trigger};

use super::links::{self, Hanging, Old};
use super::merge::{Change, PutBody};
use super::{if_there, relink};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement::{self, Forbidden};
use crate::entity_cache::Stored;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::undisturbed::undisturbed;
use crate::{body, reply};

#[utoipa::path(
    put,
    path = "/api/v1/namespaces/{namespace}/rules/{name}",
    tag = "rules",
    params(
        AnEntity,
        ("overwrite" = Option<bool>, Query, description = "Update the rule if it is there"),
    ),
    responses((status = 200, description = "The rule as it is now, and its status"), Refused, RefusedWrite)
)]
pub(crate) async fn put(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let api = &call.api;
    let overwrite = call.query()?.boolean("overwrite")?.unwrap_or_default();
    let bytes = body::read(call.request.headers(), payload, api.config.request_body_bytes).await?;
    let body: PutBody = body::parse(&bytes)?;
    let bounds = call.identity().bounds(&api.config.limits);
    let change = body.check(&path.namespace, bounds.parameter_bytes)?;
    let writing = Writing { call: &call, path, change, overwrite };
    writing.check_rights().await?;
    let (rule, status) = undisturbed(async || writing.attempt().await).await?;
    Ok(reply::json(&rule.to_json(status)))
}

/// One request to write a rule.
struct Writing<'a> {
    call: &'a Call,
    path: EntityPath,
    change: Change,
    overwrite: bool,
}

/// A rule to be written.
struct Planned {
    rule: Rule,
    /// The rule's document as it is now.
    replaced: Option<Arc<Stored<Rule>>>,
}

impl Writing<'_> {
    /// The caller has to have the right to read what the body names. Whether it is there is asked later.
    async fn check_rights(&self) -> Result<(), ApiError> {
        let caller = &self.call.caller.namespace;
        let mut forbidden = Vec::new();
        if let Some(Err(Forbidden(trigger))) =
            self.change.trigger.as_ref().map(|trigger| entitlement::entity(caller, trigger))
        {
            forbidden.push(trigger);
        }
        if let Some(action) = &self.change.action
            && let Err(ApiError::Forbidden(action)) =
                self.call.api.entities.resolve_stored(caller, action).await
        {
            forbidden.push(action);
        }
        if forbidden.is_empty() { Ok(()) } else { Err(ApiError::Forbidden(forbidden.join(", "))) }
    }

    /// Writes the link, then the rule.
    async fn attempt(&self) -> Result<(Rule, RuleStatus), ApiError> {
        let api = &self.call.api;
        let Planned { rule, replaced } = self.plan().await?;
        let new = self.trigger(&rule.trigger).await?;
        if !links::has_room(&new.entity, &rule.path) {
            let most = links::MOST_RULES;
            return Err(ApiError::malformed(format!("A trigger has at most {most} rules.")));
        }
        self.check_action(&rule.action).await?;
        let left = match &replaced {
            Some(replaced) if replaced.entity.trigger != rule.trigger => {
                if_there(api.entities.trigger_fresh(&replaced.entity.trigger).await)?
            }
            _ => None,
        };
        let old = match (&replaced, &left) {
            (None, _) => Old::NoRule,
            (Some(replaced), _) if replaced.entity.trigger == rule.trigger => Old::Same,
            (Some(_), Some(left)) => Old::Other(&left.entity),
            (Some(_), None) => Old::Gone,
        };
        let status = Hanging { rule: &rule.path, new: &new.entity, old }.status();
        relink(api, &new, &links::with(&new.entity, &rule, status)).await?;
        if let Some(left) = &left {
            relink(api, left, &links::without(&left.entity, &rule.path)).await?;
        }
        self.save(&rule, replaced.as_ref().map(|replaced| &replaced.revision)).await?;
        Ok((rule, status))
    }

    async fn plan(&self) -> Result<Planned, ApiError> {
        let now: Timestamp = self.call.transaction.arrived;
        match self.call.api.entities.rule_fresh(&self.path).await {
            Err(ApiError::Missing) => {
                let rule = self.change.clone().create(self.path.clone(), now)?;
                Ok(Planned { rule, replaced: None })
            }
            Err(error) => Err(error),
            Ok(_) if !self.overwrite => Err(ApiError::Exists),
            Ok(old) => {
                let rule = self.change.clone().update(old.entity.clone(), now);
                Ok(Planned { rule, replaced: Some(old) })
            }
        }
    }

    async fn trigger(&self, path: &EntityPath) -> Result<Arc<Stored<Trigger>>, ApiError> {
        let trigger = if_there(self.call.api.entities.trigger_fresh(path).await)?;
        trigger.ok_or_else(|| ApiError::malformed(format!("The trigger '/{path}' does not exist.")))
    }

    async fn check_action(&self, path: &ActionPath) -> Result<(), ApiError> {
        match self.call.api.entities.resolve_stored(&self.call.caller.namespace, path).await {
            Ok(_) => Ok(()),
            Err(ApiError::Missing | ApiError::MissingNamed(_) | ApiError::NotInCollection) => {
                Err(ApiError::malformed(format!("The action '/{path}' does not exist.")))
            }
            Err(error) => Err(error),
        }
    }

    async fn save(&self, rule: &Rule, replaced: Option<&Revision>) -> Result<(), ApiError> {
        let written =
            self.call.api.write_entity(NewDocument::from(rule), replaced).await.map_err(ApiError::from);
        if let Err(ApiError::Conflict) = written {
            self.mend(&rule.trigger).await?;
        }
        written
    }

    /// Makes a trigger's link what the rule's document says, after someone else wrote that first.
    async fn mend(&self, trigger: &EntityPath) -> Result<(), ApiError> {
        let entities = &self.call.api.entities;
        undisturbed(async || {
            let rule = match entities.rule_fresh(&self.path).await {
                Ok(rule) => Some(rule),
                Err(ApiError::Missing | ApiError::NotInCollection) => None,
                Err(error) => return Err(error),
            };
            let Some(stored) = if_there(entities.trigger_fresh(trigger).await)? else { return Ok(()) };
            let rule = rule.as_ref().map(|rule| &rule.entity).filter(|rule| rule.trigger == *trigger);
            let mended = match (rule, links::status(&stored.entity, &self.path)) {
                (Some(rule), Some(status)) => links::with(&stored.entity, rule, status),
                (Some(_), None) => stored.entity.clone(),
                (None, _) => links::without(&stored.entity, &self.path),
            };
            relink(&self.call.api, &stored, &mended).await
        })
        .await
    }
}
