//! `POST …/triggers/NAME`: fires. The action of every active rule is started on behalf of who fires, all at
//! once; what each gets and what the record says is decided in `firing.rs`.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Payload};
use futures::future::join_all;
use whirl_model::{
    ActionPath, ActivationId, ActivationRecord, Arguments, EntityPath, Json, Keep, Outcome, RuleLink,
    RuleStatus, Trigger,
};

use super::firing::{self, Effect, Fired};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::body::{self, fits};
use crate::call::Call;
use crate::dispatch::{Dispatched, Invocation};
use crate::entity_cache::Stored;
use crate::idempotency::Keyed;
use crate::idempotency::turn::{Permit, Turn};
use crate::invoke::{respect_final, trace_parent};
use crate::operation::{AnEntity, Refused, RefusedWrite, Throttled};
use crate::{entitlement, policy, reply};

/// How long the answer waits for the trigger's record. If the store is away, the actions are started all the
/// same.
const STORING: Duration = Duration::from_secs(2);

#[utoipa::path(
    post,
    path = "/api/v1/namespaces/{namespace}/triggers/{name}",
    tag = "triggers",
    params(
        AnEntity,
        ("Idempotency-Key" = Option<String>, Header, description = "Whoever sends the same request with the \
            same key again within 24 hours gets the same activation"),
        ("traceparent" = Option<String>, Header, description = "W3C trace context, for the actions"),
        ("X-OW-EXTRA-LOGGING" = Option<String>, Header, description = "`on`: keep the records in any case"),
    ),
    responses(
        (status = 202, description = "The actions of all active rules are started"),
        (status = 204, description = "No rule is active"),
        Refused,
        RefusedWrite,
        Throttled,
    )
)]
pub(crate) async fn fire(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let path = call.entity_path()?;
    let (api, identity) = (&call.api, call.identity());
    api.throttles.admit_fire(&identity)?;
    entitlement::entity(identity.namespace(), &path)?;
    let headers = call.request.headers();
    let bytes = body::read(headers, payload, identity.bounds(&api.config.limits).payload_bytes).await?;
    let keyed = Keyed::of(headers, identity.namespace(), &format_args!("triggers/{path}"), &bytes)?;
    let permit = match keyed {
        None => None,
        Some(keyed) => match api.turn(keyed, None).await? {
            Turn::Again(id) => return Ok(reply::accepted(id)),
            Turn::First(permit) => Some(permit),
        },
    };
    let order = Order {
        id: permit.as_ref().map_or_else(|| ActivationId::from_bits(rand::random()), Permit::id),
        resumes: permit.as_ref().is_some_and(Permit::resumes),
    };
    match prepare(&call, &path, &bytes, order).await {
        Ok(Some(fire)) => {
            // A task of its own: a client that goes away stops nothing.
            let running = tokio::spawn(fire.run(api.clone(), permit));
            running.await.map_err(|panicked| ApiError::Internal(panicked.into()))?;
            Ok(reply::accepted(order.id))
        }
        nothing => {
            if let Some(permit) = permit {
                permit.settle(api, false).await;
            }
            nothing.map(|_| HttpResponse::NoContent().finish())
        }
    }
}

/// As what a trigger fires.
#[derive(Clone, Copy)]
struct Order {
    id: ActivationId,
    /// Whether some of its actions may have been started under this id before.
    resumes: bool,
}

/// The fire that is asked for, unless no rule is active.
async fn prepare(
    call: &Call,
    path: &EntityPath,
    body: &[u8],
    Order { id, resumes }: Order,
) -> Result<Option<Fire>, ApiError> {
    let (api, identity, headers) = (&call.api, call.identity(), call.request.headers());
    let payload = body::arguments(body)?;
    let Some(trigger) = starting_something(api, path).await? else { return Ok(None) };
    if api.drain.is_draining() {
        return Err(ApiError::Draining);
    }
    let arguments = firing::arguments(&trigger.entity, headers, payload.clone());
    let fire = Fire {
        keep: policy::keep(&api.config.keep_records, &identity, false, headers),
        trace_parent: trace_parent(headers),
        size: Json::of(&arguments).as_str().len() as u64,
        limit: identity.bounds(&api.config.limits).payload_bytes,
        resumes,
        fired: Fired { id, identity, transaction: call.transaction.clone(), payload: Json::of(&payload) },
        trigger,
        arguments,
    };
    if fire.is_recorded() {
        api.records.have_room()?;
    }
    Ok(Some(fire))
}

/// The trigger, unless no rule of it is active. Before nothing is started the store is asked: word of a rule that
/// another controller made a moment ago may be on its way.
async fn starting_something(api: &Api, path: &EntityPath) -> Result<Option<Arc<Stored<Trigger>>>, ApiError> {
    let starts_something = |trigger: &Arc<Stored<Trigger>>| firing::starts_something(&trigger.entity);
    let remembered = api.entities.trigger(path).await?;
    if starts_something(&remembered) || !api.has_peers {
        return Ok(Some(remembered).filter(starts_something));
    }
    Ok(Some(api.entities.trigger_fresh(path).await?).filter(starts_something))
}

/// A fire on its way.
struct Fire {
    fired: Fired,
    trigger: Arc<Stored<Trigger>>,
    arguments: Arguments,
    /// Bytes of the arguments as JSON.
    size: u64,
    /// The bound of that.
    limit: u64,
    keep: Keep,
    trace_parent: Option<String>,
    /// Whether some of its actions may have been started before.
    resumes: bool,
}

impl Fire {
    /// Whether there will be a record of the fire itself, which always succeeds.
    fn is_recorded(&self) -> bool {
        self.keep.keeps(Outcome::Success)
    }

    /// Starts all actions, waits until each is accepted durably or refused, and records the fire.
    async fn run(self, api: Data<Api>, permit: Option<Permit>) {
        let links = self.trigger.entity.rules.iter().flatten();
        let logs = join_all(links.map(|(rule, link)| self.follow(&api, rule, link))).await;
        if let Some(permit) = permit {
            permit.settle(&api, true).await;
        }
        if !self.is_recorded() {
            return;
        }
        let record = Arc::new(self.fired.record(&self.trigger.entity, logs));
        let storing = tokio::spawn(store(api, record));
        if tokio::time::timeout(STORING, storing).await.is_err() {
            tracing::warn!(activation = %self.fired.id, "the record of a fire is late");
        }
    }

    /// What became of one rule, as its line in the log.
    async fn follow(&self, api: &Api, rule: &EntityPath, link: &RuleLink) -> String {
        let effect = match link.status {
            RuleStatus::Inactive => Effect::Inactive,
            RuleStatus::Active => match self.start(api, rule, &link.action).await {
                Ok(id) => Effect::Started(id),
                Err(error) => {
                    error.log(&self.fired.transaction.id);
                    Effect::Refused(error)
                }
            },
        };
        effect.log(rule, &link.action)
    }

    /// Starts an action as if who fires had invoked it.
    async fn start(
        &self,
        api: &Api,
        rule: &EntityPath,
        action: &ActionPath,
    ) -> Result<ActivationId, ApiError> {
        let Fired { identity, transaction, .. } = &self.fired;
        let id = firing::started_id(self.fired.id, rule);
        if self.resumes && api.knows(identity.namespace(), id).await? {
            return Ok(id);
        }
        api.throttles.admit_invocation(identity)?;
        fits("payload", self.size, self.limit)?;
        let action = api.entities.resolve(identity.namespace(), action).await?;
        respect_final(&action, &self.arguments)?;
        let invocation = Invocation {
            id,
            action,
            arguments: self.arguments.clone(),
            identity: identity.clone(),
            transaction: transaction.clone(),
            wait: None,
            cause: None,
            keep: self.keep,
            trace_parent: self.trace_parent.clone(),
        };
        match api.invoke(invocation).await? {
            Dispatched::Accepted(id) => Ok(id),
            Dispatched::Finished(record) => Ok(record.activation_id),
        }
    }
}

async fn store(api: Data<Api>, record: Arc<ActivationRecord>) {
    api.records.store(record).await;
}
