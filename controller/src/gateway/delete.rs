//! `DELETE …/apimgmt/deleteApi`, or `POST` with the parameters in its body: an API, one of its paths, or one operation. With its last operation an API goes.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use whirl_backends::store::StoreError;
use whirl_model::{Json, Namespace};

use super::document::Selection;
use super::managing::{Managing, Named};
use super::path::BasePath;
use super::stored;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::Refused;
use crate::reply;

/// How often operations are taken out anew when the API changes meanwhile.
const ATTEMPTS: usize = 8;

#[utoipa::path(
    method(delete, post),
    path = "/api/v1/web/whisk.system/apimgmt/deleteApi",
    tag = "apis",
    params(
        ("basepath" = String, Query, description = "The API's base path, or its name"),
        ("relpath" = Option<String>, Query, description = "Only this path"),
        ("operation" = Option<String>, Query, description = "Only operations of this verb"),
    ),
    responses((status = 200, description = "`{}`"), Refused)
)]
pub(crate) async fn delete(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let managing = Managing::of_either(&call, payload).await?;
    let selection = managing.selection();
    let named = managing.query.text("basepath");
    let named = named.ok_or_else(|| ApiError::malformed("The request needs 'basepath'."))?;
    let base_path = match Named::parse(named)? {
        Named::At(path) => path,
        called => {
            let found = called.find(&call, &managing.tenant).await?;
            match &found[..] {
                [one] => one.base_path().clone(),
                [] => return Err(missing(named, &Selection::default())),
                _ => {
                    return Err(ApiError::malformed(format!(
                        "Several APIs are called '{named}'; name a base path."
                    )));
                }
            }
        }
    };
    remove(&call, &managing.tenant, &base_path, &selection).await?;
    Ok(reply::json(&Json::empty_object()))
}

async fn remove(
    call: &Call,
    tenant: &Namespace,
    base_path: &BasePath,
    selection: &Selection,
) -> Result<(), ApiError> {
    let store = &*call.api.stores.entities;
    let mut attempts = 1..=ATTEMPTS;
    loop {
        attempts.next();
        let found = stored::one(store, tenant, base_path).await?;
        let (mut document, revision) =
            found.ok_or_else(|| missing(base_path.as_str(), &Selection::default()))?;
        if !document.remove(selection) {
            return Err(missing(base_path.as_str(), selection));
        }
        let written = if document.is_empty() {
            call.api.delete_entity(stored::doc_id(tenant, base_path), &revision).await
        } else {
            let new = stored::document(tenant, &document, call.transaction.arrived);
            call.api.write_entity(new, Some(&revision)).await
        };
        match written {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict(_)) if !attempts.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The API is not there, or has no such operation.
fn missing(api: &str, selection: &Selection) -> ApiError {
    let Selection { path, verb } = selection;
    let verb = verb.as_ref().map(|verb| verb.to_ascii_uppercase());
    let what = match (path, verb) {
        (None, None) => format!("API '{api}'"),
        (Some(path), None) => format!("API path '{path}' of '{api}'"),
        (None, Some(verb)) => format!("API operation {verb} of '{api}'"),
        (Some(path), Some(verb)) => format!("API operation {verb} '{path}' of '{api}'"),
    };
    ApiError::MissingApi(what)
}
