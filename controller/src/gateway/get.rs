//! `GET …/apimgmt/getApi`, or `POST` with the parameters in its body: the APIs of the caller's namespace, the last changed first.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde::Serialize;
use whirl_model::Json;

use super::managing::{Managing, Named, Shown};
use super::stored;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::Refused;
use crate::query::Page;
use crate::reply;

#[derive(Serialize)]
struct Item {
    id: String,
    key: String,
    value: Shown,
}

#[derive(Serialize)]
struct List {
    apis: Vec<Item>,
}

#[utoipa::path(
    method(get, post),
    path = "/api/v1/web/whisk.system/apimgmt/getApi",
    tag = "apis",
    params(
        ("basepath" = Option<String>, Query, description = "Only the API of this base path, or of this name"),
        ("relpath" = Option<String>, Query, description = "Only APIs with this path"),
        ("operation" = Option<String>, Query, description = "Only APIs with an operation of this verb"),
        Page,
    ),
    responses((status = 200, description = "`{\"apis\": […]}`"), Refused)
)]
pub(crate) async fn get(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let managing = Managing::of_either(&call, payload).await?;
    let (page, selection) = (Page::of(&managing.query)?, managing.selection());
    let documents = match managing.query.text("basepath").map(Named::parse).transpose()? {
        Some(named) => named.find(&call, &managing.tenant).await?,
        None => stored::all(&*call.api.stores.entities, &managing.tenant).await?,
    };
    let item = |value: Shown, base_path: &str| {
        let id = format!("API:{}:{base_path}", managing.tenant);
        Item { key: id.clone(), id, value }
    };
    let apis = documents
        .into_iter()
        .filter(|document| document.has(&selection))
        .skip(usize::try_from(page.skip).unwrap_or(usize::MAX))
        .take(usize::try_from(page.limit).unwrap_or(usize::MAX))
        .map(|document| item(managing.show(&document), document.base_path().as_str()))
        .collect();
    Ok(reply::json(&Json::of(&List { apis })))
}
