//! `DELETE …/packages/NAME`: an empty package, a binding, or with `force` a package and the actions in it.

use actix_web::HttpResponse;
use futures::stream::{self, StreamExt, TryStreamExt};
use whirl_backends::store::StoreError;
use whirl_model::{ActionPath, DocId, EntityPath, Package};

use super::contents;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{AnEntity, Refused, RefusedWrite};
use crate::reply;

/// How many actions are deleted at the same time.
const DELETED_AT_ONCE: usize = 16;

#[utoipa::path(
    delete,
    path = "/api/v1/namespaces/{namespace}/packages/{name}",
    tag = "packages",
    params(
        AnEntity,
        ("force" = Option<bool>, Query, description = "Delete the actions in it too"),
    ),
    responses((status = 200, description = "The package that was deleted"), Refused, RefusedWrite)
)]
pub(crate) async fn delete(call: Call) -> Result<HttpResponse, ApiError> {
    let path = call.own_entity()?;
    let api = &call.api;
    let force = call.query()?.boolean("force")?.unwrap_or_default();
    let stored = api.entities.package_fresh(&path).await?;
    let held = held_by(api, &stored.entity).await?;
    if !force && !held.is_empty() {
        return Err(ApiError::NotEmpty(held.len()));
    }
    stream::iter(held)
        .map(|action| delete_action(api, action))
        .buffer_unordered(DELETED_AT_ONCE)
        .try_collect::<()>()
        .await?;
    api.delete_entity(stored.entity.doc_id(), &stored.revision).await?;
    Ok(reply::json(&stored.entity.to_json()))
}

/// The actions in the package; a binding has none of its own.
async fn held_by(api: &Api, package: &Package) -> Result<Vec<ActionPath>, ApiError> {
    if package.binding.is_some() {
        return Ok(Vec::new());
    }
    let EntityPath { namespace, name } = &package.path;
    let contents = contents::of(&package.path, &*api.stores.entities).await?;
    let path = |name_of_action| ActionPath {
        namespace: namespace.clone(),
        package: Some(name.clone()),
        name: name_of_action,
    };
    Ok(contents.into_iter().map(|content| path(content.name)).collect())
}

/// Deletes an action, whatever its state; that it is gone already is as good.
async fn delete_action(api: &Api, path: ActionPath) -> Result<(), ApiError> {
    let id = DocId::from(&path);
    let store = &api.stores.entities;
    let deleted = match store.get(&id).await {
        Ok(document) => store.delete(&id, &document.revision).await,
        Err(error) => Err(error),
    };
    api.changed(id).await;
    match deleted {
        Ok(()) | Err(StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
