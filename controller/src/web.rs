//! Web actions: from any HTTP request to an action and from its result to any HTTP answer, on behalf of the
//! action's owner. The pieces are pure and have files of their own; here is the way through them.

mod access;
mod answer;
mod arguments;
mod content_type;
mod http_members;
mod path;
mod pretty;
mod transcode;
pub(crate) mod vanity;

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use whirl_model::{ActivationId, ActivationRecord, Arguments, Json, Outcome};

use crate::accept::accepts;
use crate::api::Api;
use crate::api_error::ApiError;
use crate::cors::Cors;
use crate::dispatch::{Dispatched, Invocation};
use crate::edge::Settled;
use crate::identity::Identity;
use crate::invoke::{respect_final, trace_parent};
use crate::resolve::Resolved;
use crate::transaction::Transaction;
use crate::web::access::Export;
use crate::web::arguments::Incoming;
use crate::web::path::{Extension, Segments, Target};
use crate::{authentication, body, policy, reply};

/// A request for a web action, but its body.
pub(crate) struct WebRequest {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// Decoded, as are package and name.
    pub(crate) namespace: String,
    /// `default` is no package.
    pub(crate) package: String,
    /// With its extension, if it has one.
    pub(crate) name: String,
    /// What follows the name, with its leading slash; or nothing.
    pub(crate) path: String,
    /// What follows the `?`, encoded.
    pub(crate) query: String,
    pub(crate) transaction: Transaction,
}

#[utoipa::path(
    method(get, post, put, delete, head, options, patch),
    path = "/api/v1/web/{namespace}/{package}/{name}{path}",
    tag = "web actions",
    params(
        ("namespace" = String, Path, description = "The namespace of the action's owner"),
        ("package" = String, Path, description = "A package or binding; `default` for none"),
        ("name" = String, Path, description = "`NAME`, or with an extension: `.http`, `.json`, `.html`, `.svg`, `.text`"),
        ("path" = String, Path, description = "Whatever follows, with its slash; for the action"),
    ),
    responses(
        (status = 200, description = "What the action answers: any status, headers and body"),
        (status = 202, description = "The action has not ended in time"),
        (status = 400, description = "The request is malformed, or the action failed"),
        (status = 401, description = "The action wants credentials or a secret"),
        (status = 404, description = "There is no such web action"),
        (status = 406, description = "The client does not take what the action answers"),
        (status = 413, description = "The body is too large"),
        (status = 429, description = "The owner makes too many requests"),
    )
)]
pub(crate) async fn handle(
    api: Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    // The router has matched `/api/v1/web/` and at least three segments, encoded or not.
    let below = request.uri().path().splitn(5, '/').nth(4);
    let segments = below.and_then(Segments::read).ok_or(ApiError::Missing)?;
    receive(&api, &request, segments, payload).await
}

/// A request to a namespace's host.
pub(crate) async fn handle_host(
    api: Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let domain = api.config.vanity_domain.as_deref();
    let namespace = domain.and_then(|domain| vanity::namespace(request.head(), domain));
    let segments = namespace.and_then(|namespace| Segments::of_host(namespace, request.uri().path()));
    receive(&api, &request, segments.ok_or(ApiError::Missing)?, payload).await
}

async fn receive(
    api: &Data<Api>,
    request: &HttpRequest,
    segments: Segments,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let transaction = request.extensions().get::<Transaction>().cloned();
    let Segments { namespace, package, name, path } = segments;
    let request = WebRequest {
        method: request.method().clone(),
        headers: request.headers().clone(),
        namespace,
        package,
        name,
        path,
        query: request.query_string().to_owned(),
        transaction: transaction.ok_or(ApiError::Missing)?,
    };
    Ok(serve(api, request, payload).await)
}

/// Answers a request whose body is still to come. Errors are answers too.
pub(crate) async fn serve(api: &Api, request: WebRequest, payload: Payload) -> HttpResponse {
    let page = Page::find(api, &request).await;
    let is_custom = page.as_ref().is_ok_and(|page| page.export.custom_options);
    let answered = match page {
        Err(error) => Err(error),
        Ok(_) if request.method == Method::OPTIONS && !is_custom => Ok(HttpResponse::Ok().finish()),
        Ok(page) => page.answer(api, &request, payload).await,
    };
    let mut response = answered.unwrap_or_else(|error| failure(&error, &request.transaction));
    if !is_custom {
        Cors::of_web(&request.headers).apply(response.headers_mut());
    }
    response.extensions_mut().insert(Settled);
    response
}

/// A web action that is there.
struct Page {
    /// On whose behalf it runs.
    owner: Identity,
    action: Resolved,
    export: Export,
    extension: Extension,
}

impl Page {
    /// The web action of a request. Whatever is in its way, but for rights, is told as missing.
    async fn find(api: &Api, request: &WebRequest) -> Result<Self, ApiError> {
        let target = Target::of(&request.namespace, &request.package, &request.name);
        let Target { action, extension } = target.ok_or(ApiError::Missing)?;
        let owner = api.authenticator.owner_of(&action.namespace).await?.ok_or(ApiError::Missing)?;
        let action = api.entities.resolve_web(&action).await?;
        let export = Export::of(&action.action().annotations).ok_or(ApiError::Missing)?;
        Ok(Self { owner, action, export, extension })
    }

    async fn answer(
        self,
        api: &Api,
        request: &WebRequest,
        payload: Payload,
    ) -> Result<HttpResponse, ApiError> {
        let user = known(api, &request.headers).await?;
        if request.method != Method::OPTIONS && !self.export.admits(user.is_some(), &request.headers) {
            return Err(ApiError::Unauthenticated);
        }
        api.throttles.admit_invocation(&self.owner)?;
        let limit = self.owner.bounds(&api.config.limits).payload_bytes;
        let body = body::read_any(&request.headers, payload, limit).await?;
        let arguments = self.arguments(request, &body, user.as_ref())?;
        self.run(api, request, arguments).await
    }

    fn arguments(
        &self,
        request: &WebRequest,
        body: &[u8],
        user: Option<&Identity>,
    ) -> Result<Arguments, ApiError> {
        let incoming = Incoming {
            method: &request.method,
            headers: &request.headers,
            path: &request.path,
            query: &request.query,
            body,
            user: user.map(Identity::namespace),
        };
        if self.export.raw {
            return Ok(incoming.raw().all());
        }
        let arguments = incoming.parsed()?;
        respect_final(&self.action, &arguments.given)?;
        Ok(arguments.all())
    }

    async fn run(
        self,
        api: &Api,
        request: &WebRequest,
        arguments: Arguments,
    ) -> Result<HttpResponse, ApiError> {
        let id = ActivationId::from_bits(rand::random());
        let keep = policy::keep(&api.config.keep_records, &self.owner, true, &request.headers);
        let invocation = Invocation {
            id,
            action: self.action,
            arguments,
            identity: self.owner,
            transaction: request.transaction.clone(),
            wait: Some(Duration::from_millis(api.config.blocking_wait_milliseconds.into())),
            cause: None,
            keep,
            trace_parent: trace_parent(&request.headers),
        };
        let answered = match api.invoke(invocation).await? {
            Dispatched::Accepted(_) => Err(ApiError::NotReady),
            Dispatched::Finished(record) => show(&record, self.extension, &request.headers),
        };
        let response = answered.unwrap_or_else(|error| failure(&error, &request.transaction));
        Ok(reply::with_activation(response, id))
    }
}

/// Who asks, if good credentials say so. Bad ones are none.
async fn known(api: &Api, headers: &HeaderMap) -> Result<Option<Identity>, ApiError> {
    let Some(credentials) = authentication::credentials(headers) else { return Ok(None) };
    match api.authenticator.identify(&credentials).await {
        Ok(identity) => Ok(Some(identity)),
        Err(ApiError::Unauthenticated) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The answer that an activation's end makes, if the client takes it.
fn show(
    record: &ActivationRecord,
    extension: Extension,
    headers: &HeaderMap,
) -> Result<HttpResponse, ApiError> {
    let answer = transcode::transcode(extension, &shown(record)?)?;
    if let Some(content) = &answer.content {
        let media = content.media.to_str().unwrap_or_default();
        if !accepts(headers, media) {
            return Err(ApiError::NotAcceptable(media.to_owned()));
        }
    }
    Ok(answer.into_response())
}

/// What an activation has to show: its result, or the error that it gave.
fn shown(record: &ActivationRecord) -> Result<Json, ApiError> {
    let result = record.response.result.clone().unwrap_or_else(Json::empty_object);
    match record.response.outcome {
        Outcome::Success => Ok(result),
        Outcome::ApplicationError => result.member("error").ok_or(ApiError::Missing),
        Outcome::DeveloperError | Outcome::InternalError => {
            Err(ApiError::malformed("The action failed to answer the request."))
        }
    }
}

/// An error as people read it in a browser: on many lines.
fn failure(error: &ApiError, transaction: &Transaction) -> HttpResponse {
    error.answer(&transaction.id).map_body(|_, body| {
        let bytes = body.try_into_bytes().unwrap_or_default();
        let json = std::str::from_utf8(&bytes).ok().and_then(|text| Json::parse(text).ok());
        actix_web::body::BoxBody::new(json.map_or(bytes, |json| pretty::pretty(&json).into()))
    })
}
