//! `GET …/namespaces/NS/contents`: everything that a namespace holds, in one answer instead of one list of each sort
//! and one read of each rule.

use std::collections::HashMap;

use actix_web::HttpResponse;
use serde::Serialize;
use whirl_backends::store::{Collection, EntityQuery, EntityStore, StoreError};
use whirl_model::{DocId, EntityPath, Json, Namespace, Rule, RuleStatus, Trigger};

use crate::api_error::ApiError;
use crate::call::Call;
use crate::entitlement;
use crate::operation::{InNamespace, Refused};
use crate::query::Page;
use crate::reply;
use crate::rules::links;

#[derive(Serialize)]
struct Contents<T> {
    actions: T,
    packages: T,
    triggers: T,
    rules: T,
}

/// The lists of actions, packages, triggers and rules together, each from `skip` on and of `limit` at most, and rules
/// with their status. With `count`, how many there are of each.
#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/contents",
    tag = "namespaces",
    params(InNamespace, Page),
    responses((status = 200, description = "Summaries of each sort, last changed first"), Refused)
)]
pub(crate) async fn contents(call: Call) -> Result<HttpResponse, ApiError> {
    let namespace = call.namespace()?;
    entitlement::namespace(&call.caller.namespace, &namespace)?;
    let page = Page::of(&call.query()?)?;
    let entities = &*call.api.stores.entities;
    Ok(reply::json(&match page.count {
        true => Json::of(&counted(entities, &namespace, page).await?),
        false => Json::of(&listed(entities, &namespace, page).await?),
    }))
}

async fn counted(
    entities: &dyn EntityStore,
    namespace: &Namespace,
    page: Page,
) -> Result<Contents<u64>, StoreError> {
    let count = async |collection| {
        let total = entities.count(&query(namespace, collection, page)).await?;
        Ok::<_, StoreError>(page.remaining(total))
    };
    let (actions, packages, triggers, rules) = futures::try_join!(
        count(Collection::Actions),
        count(Collection::Packages),
        count(Collection::Triggers),
        count(Collection::Rules),
    )?;
    Ok(Contents { actions, packages, triggers, rules })
}

async fn listed(
    entities: &dyn EntityStore,
    namespace: &Namespace,
    page: Page,
) -> Result<Contents<Vec<Json>>, ApiError> {
    let [actions, packages, triggers, rules] =
        [Collection::Actions, Collection::Packages, Collection::Triggers, Collection::Rules]
            .map(|collection| query(namespace, collection, page));
    let (actions, packages, triggers, rules) = futures::try_join!(
        entities.list(&actions),
        entities.list(&packages),
        entities.list(&triggers),
        entities.list(&rules),
    )?;
    let rules = with_status(entities, rules).await?;
    Ok(Contents { actions, packages, triggers, rules })
}

fn query(namespace: &Namespace, collection: Collection, page: Page) -> EntityQuery {
    let parent = namespace.to_string();
    EntityQuery { collection, parent, shared: false, skip: page.skip, limit: page.limit }
}

/// Rules with what their triggers say of them; all these triggers are read at once.
async fn with_status(entities: &dyn EntityStore, listed: Vec<Json>) -> Result<Vec<Json>, ApiError> {
    let corrupt = |error: serde_json::Error| ApiError::Internal(Box::new(error));
    let rules: Vec<Rule> =
        listed.iter().map(Rule::from_document).collect::<Result<_, _>>().map_err(corrupt)?;
    let ids: Vec<DocId> = rules.iter().map(|rule| DocId::from(&rule.trigger)).collect();
    let documents = entities.get_all(&ids).await?;
    let triggers: HashMap<EntityPath, Trigger> = documents
        .iter()
        .filter(|document| document.collection == Collection::Triggers)
        .map(|document| Trigger::from_document(&document.body).map(|trigger| (trigger.path.clone(), trigger)))
        .collect::<Result<_, _>>()
        .map_err(corrupt)?;
    Ok(rules.iter().map(|rule| rule.to_json(status(rule, triggers.get(&rule.trigger)))).collect())
}

/// A rule is as active as its trigger says; one whose trigger does not know it is not.
fn status(rule: &Rule, trigger: Option<&Trigger>) -> RuleStatus {
    trigger.and_then(|trigger| links::status(trigger, &rule.path)).unwrap_or(RuleStatus::Inactive)
}
