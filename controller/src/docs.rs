//! The API's descriptions for clients, and Swagger UI, which shows them to people. Its files are in the binary.

use std::sync::{Arc, LazyLock};

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::Config;
use whirl_model::Json;

use crate::api_error::ApiError;
use crate::reply;

const API: &str = "/api/v1/api-docs";
const HOST: &str = "/api-docs";

/// The API's descriptions, each made when somebody asks for it first.
pub(crate) struct Descriptions {
    /// As OpenAPI 3.1.
    pub(crate) openapi: LazyLock<Json>,
    /// As Swagger 2.0.
    pub(crate) swagger: LazyLock<Json>,
    /// Of what the host answers outside the API, as Swagger 2.0.
    pub(crate) host: LazyLock<Json>,
}

#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "host",
    responses((status = 200, description = "This description of the API"))
)]
pub(crate) async fn openapi(described: web::Data<Descriptions>) -> HttpResponse {
    reply::json(&described.openapi)
}

#[utoipa::path(
    get,
    path = "/api/v1/api-docs",
    tag = "host",
    responses((status = 200, description = "The same as Swagger 2.0"))
)]
pub(crate) async fn swagger(described: web::Data<Descriptions>) -> HttpResponse {
    reply::json(&described.swagger)
}

#[utoipa::path(
    get,
    path = "/api-docs",
    tag = "host",
    responses((status = 200, description = "What the host answers outside the API, as Swagger 2.0"))
)]
pub(crate) async fn host_swagger(described: web::Data<Descriptions>) -> HttpResponse {
    reply::json(&described.host)
}

#[utoipa::path(
    get,
    path = "/api/v1/docs",
    tag = "host",
    responses((status = 308, description = "To the page that shows the API"))
)]
pub(crate) async fn redirect() -> HttpResponse {
    to("docs/index.html?url=/api/v1/api-docs")
}

#[utoipa::path(
    get,
    path = "/docs",
    tag = "host",
    responses((status = 308, description = "To the page that shows what else the host answers"))
)]
pub(crate) async fn redirect_host() -> HttpResponse {
    to("docs/index.html?url=/api-docs")
}

#[utoipa::path(
    get,
    path = "/api/v1/docs/{file}",
    tag = "host",
    params(("file" = String, Path, description = "`index.html`, or what it needs")),
    responses((status = 200, description = "The file"), (status = 404, description = "There is none"))
)]
pub(crate) async fn file(path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    serve(&path, API)
}

#[utoipa::path(
    get,
    path = "/docs/{file}",
    tag = "host",
    params(("file" = String, Path, description = "`index.html`, or what it needs")),
    responses((status = 200, description = "The file"), (status = 404, description = "There is none"))
)]
pub(crate) async fn host_file(path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    serve(&path, HOST)
}

fn to(place: &'static str) -> HttpResponse {
    let place = HeaderValue::from_static(place);
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT).insert_header((LOCATION, place)).finish()
}

fn serve(path: &str, description: &'static str) -> Result<HttpResponse, ApiError> {
    let file = utoipa_swagger_ui::serve(path, Arc::new(Config::from(description)));
    let file = file.map_err(|error| ApiError::Internal(error.to_string().into()))?;
    let file = file.ok_or(ApiError::Missing)?;
    let media = HeaderValue::try_from(file.content_type).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, media)).body(file.bytes.into_owned()))
}
