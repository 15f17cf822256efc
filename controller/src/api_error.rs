//! Everything that can be wrong with a request or keep it from being served, and the one place that turns it
//! into a status code and the body `{"error", "code"}`. What succeeds is in `reply.rs`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use whirl_backends::bus::BusError;
use whirl_backends::store::StoreError;
use whirl_model::{Json, Kind, NameError, TransactionId};
use whirl_scheduling::balancer::Refusal;

use crate::entitlement::Forbidden;
use crate::live_logs::Unreachable;

const CHALLENGE: &str = r#"Basic realm="OpenWhisk secure realm",charset=UTF-8"#;

/// Why a request is refused or failed. `Display` is what the client reads; causes are logged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No credentials, malformed ones, unknown ones or a blocked subject's: the client cannot tell which.
    #[error("The supplied authentication is invalid")]
    Unauthenticated,
    /// The caller has no right to the resource.
    #[error("The supplied authentication is not authorized to access '{0}'.")]
    Forbidden(String),
    /// The caller's namespace may not have actions of the kind.
    #[error("The supplied authentication is not authorized to access actions of kind '{}'.", .0.as_str())]
    ForbiddenKind(Kind),
    /// The administrator's key is missing or wrong.
    #[error("The administrator's key is missing or wrong.")]
    NotAdministrator,
    /// This server has no administrator's key.
    #[error("This server has no administrator's key: it cannot be administered here.")]
    NoAdministration,
    /// The namespace has made more requests in this minute than it may.
    #[error("Too many requests in the last minute (count: {count}, allowed: {allowed}).")]
    TooManyRequests {
        /// So many, with this one.
        count: u32,
        /// So many it may make.
        allowed: u32,
    },
    /// The namespace has as many activations in flight as it may.
    #[error("Too many concurrent requests in flight (count: {count}, allowed: {allowed}).")]
    TooManyConcurrent {
        /// So many are in flight.
        count: u32,
        /// So many may be.
        allowed: u32,
    },
    /// There is no such path, method, entity or record.
    #[error("The requested resource does not exist.")]
    Missing,
    /// A named entity is missing whose owner may know so.
    #[error("The requested resource '{0}' does not exist.")]
    MissingNamed(String),
    /// It is there and the caller did not ask to overwrite it.
    #[error("resource already exists")]
    Exists,
    /// Credentials are to be given to somebody, and somebody has them.
    #[error("These credentials are in use; without any, new ones are made.")]
    CredentialsTaken,
    /// A blocked subject is to get a namespace.
    #[error("The subject is blocked.")]
    SubjectBlocked,
    /// The id belongs to an entity of another sort.
    #[error("Resource by this name exists but is not in this collection.")]
    NotInCollection,
    /// What a binding is to name is something else than a package.
    #[error("Cannot bind to a resource that is not a package.")]
    BindsToNoPackage,
    /// A package is to become a binding.
    #[error("Resource is a package and cannot be converted into a binding.")]
    IsNoBinding,
    /// A package is to be deleted that holds so many actions.
    #[error("Package not empty (it contains {0}). Delete its contents first, or set 'force'.")]
    NotEmpty(usize),
    /// A binding names itself, or too many follow each other.
    #[error("The package binding of '{0}' leads to no package.")]
    NoEndOfBindings(String),
    /// The namespace has no such API, or the API no such operation: this is what is missing.
    #[error("API deletion failure: {0} does not exist.")]
    MissingApi(String),
    /// No API of the gateway has the path.
    #[error("No API has this path.")]
    NoSuchApi,
    /// The path of an API has other methods.
    #[error("The API does not have this method at this path.")]
    MethodNotAllowed,
    /// The controller serves no API gateway.
    #[error("There is no API gateway here.")]
    NoGateway,
    /// Someone else changed it meanwhile.
    #[error("Concurrent modification to resource detected.")]
    Conflict,
    /// The same request is being accepted.
    #[error("A request with this Idempotency-Key is being accepted. Try again.")]
    KeyInUse,
    /// The idempotency key belongs to another request.
    #[error("The Idempotency-Key was used for another request.")]
    KeyReused,
    /// The request is malformed.
    #[error("{0}")]
    Malformed(Cow<'static, str>),
    /// A part of the request is larger than allowed.
    #[error("The {part} of the request is larger than allowed: {} of at most {limit} bytes.", Size(*.bytes))]
    TooLarge {
        /// Which part.
        part: &'static str,
        /// Its bytes, if they are known.
        bytes: Option<u64>,
        /// Its bound.
        limit: u64,
    },
    /// The body does not come.
    #[error("The request's body did not come in time.")]
    BodyTooSlow,
    /// The body is not JSON.
    #[error("The request's content type has to be application/json.")]
    NotJson,
    /// The client does not accept what there is, which is of this type.
    #[error("Resource representation is only available with these types:\n{0}")]
    NotAcceptable(String),
    /// A web action runs on, and its request has waited long enough.
    #[error("The response is not yet ready.")]
    NotReady,
    /// The target of the request is too long.
    #[error("414 Request-URI Too Large: it has more than {limit} bytes.")]
    UriTooLong {
        /// Its bound.
        limit: usize,
    },
    /// The controller takes no new invocations.
    #[error("The controller is draining and takes no new invocations.")]
    Draining,
    /// An administrator has stopped the taking of new invocations.
    #[error("The controller is disabled and takes no new invocations.")]
    Disabled,
    /// There is no invoker to run it.
    #[error("There is no healthy invoker.")]
    NoInvoker,
    /// No invoker is made for what the action needs.
    #[error("No invoker that is there has the memory or the resources that the action needs.")]
    NoInvokerFits,
    /// No invoker that takes work has a GPU as the action asks for.
    #[error("No invoker has a fitting GPU.")]
    NoGpu,
    /// The invokers have more to do than they can.
    #[error("The system is overloaded: no invoker can take the activation now.")]
    Overloaded,
    /// The store is away.
    #[error("The entity store is not available.")]
    StoreUnavailable(#[source] StoreError),
    /// An invoker that may know more does not answer.
    #[error("The activation is not known here, and an invoker that may run it does not answer.")]
    InvokerSilent(#[source] Unreachable),
    /// Too many records wait for the store.
    #[error("Too many records wait for the store: no new activations are taken.")]
    RecordsWait,
    /// The bus is away or full.
    #[error("The activation was not accepted: the queue is not available.")]
    BusUnavailable(#[source] BusError),
    /// The bus never takes an activation of this size.
    #[error("The activation is too large with all its parameters.")]
    ActivationTooLarge(#[source] BusError),
    /// The platform failed.
    #[error("There was an internal server error.")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// A number of bytes that may be unknown.
struct Size(Option<u64>);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{bytes}"),
            None => f.write_str("more than the bound"),
        }
    }
}

impl ApiError {
    /// The request is malformed: `why`.
    pub(crate) fn malformed(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(why.into())
    }

    /// The client gives a parameter that is not its to give.
    pub(crate) fn fixed_parameter() -> Self {
        Self::malformed("The request defines parameters that are not allowed (e.g., reserved properties).")
    }

    /// Whether the same request may succeed a moment later.
    fn is_retryable(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Whether the platform is to blame, not the request.
    pub(crate) fn is_the_platforms(&self) -> bool {
        self.status().is_server_error()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::NotAdministrator => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::ForbiddenKind(_) | Self::NoAdministration => StatusCode::FORBIDDEN,
            Self::TooManyRequests { .. } | Self::TooManyConcurrent { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Missing
            | Self::MissingNamed(_)
            | Self::MissingApi(_)
            | Self::NoSuchApi
            | Self::NoGateway => StatusCode::NOT_FOUND,
            Self::Exists
            | Self::CredentialsTaken
            | Self::SubjectBlocked
            | Self::NotInCollection
            | Self::BindsToNoPackage
            | Self::IsNoBinding
            | Self::NotEmpty(_)
            | Self::KeyInUse
            | Self::Conflict => StatusCode::CONFLICT,
            Self::NoEndOfBindings(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } | Self::ActivationTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::NotReady => StatusCode::ACCEPTED,
            Self::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::Draining
            | Self::Disabled
            | Self::NoInvoker
            | Self::NoInvokerFits
            | Self::NoGpu
            | Self::Overloaded
            | Self::StoreUnavailable(_)
            | Self::InvokerSilent(_)
            | Self::RecordsWait
            | Self::BusUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The whole answer, with the transaction's id as `code`.
    pub(crate) fn answer(&self, transaction: &TransactionId) -> HttpResponse {
        self.log(transaction);
        let mut response = failure(self.status(), &self.to_string(), transaction);
        let headers = response.headers_mut();
        if self.is_retryable() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let challenge = match self {
            Self::Unauthenticated => Some(CHALLENGE),
            Self::NotAdministrator => Some("Bearer"),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }

    /// Tells the operator what the client is not told.
    pub(crate) fn log(&self, transaction: &TransactionId) {
        let Some(source) = self.source() else { return };
        let mut causes = source.to_string();
        let mut next = source.source();
        while let Some(cause) = next {
            causes = format!("{causes}: {cause}");
            next = cause.source();
        }
        if self.is_retryable() {
            tracing::warn!(%transaction, error = causes, "{self}");
        } else {
            tracing::error!(%transaction, error = causes, "{self}");
        }
    }
}

/// The answer to an error that the web framework found itself.
pub(crate) fn framework_failure(error: &actix_web::Error, transaction: &TransactionId) -> HttpResponse {
    let status = error.as_response_error().status_code();
    let text = match status {
        StatusCode::NOT_FOUND => ApiError::Missing.to_string(),
        _ => error.to_string(),
    };
    failure(status, &text, transaction)
}

fn failure(status: StatusCode, error: &str, transaction: &TransactionId) -> HttpResponse {
    #[derive(Serialize)]
    struct Failure<'a> {
        error: &'a str,
        code: &'a str,
    }
    let body = Json::of(&Failure { error, code: transaction.as_str() });
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body.as_str().to_owned())
}

/// The bare status; `edge.rs` puts [`ApiError::answer`] in its place, which needs the transaction.
impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::Missing,
            StoreError::Conflict(_) => Self::Conflict,
            // Until the operator has mended it, a store that refuses us is as good as away.
            StoreError::Unavailable { .. } | StoreError::Refused { .. } => Self::StoreUnavailable(error),
            StoreError::Corrupt { .. } | StoreError::Unfit { .. } => Self::Internal(Box::new(error)),
        }
    }
}

impl From<Unreachable> for ApiError {
    fn from(unreachable: Unreachable) -> Self {
        Self::InvokerSilent(unreachable)
    }
}

impl From<BusError> for ApiError {
    fn from(error: BusError) -> Self {
        if error.is_retryable() { Self::BusUnavailable(error) } else { Self::ActivationTooLarge(error) }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoInvoker => Self::NoInvoker,
            Refusal::NoneFits => Self::NoInvokerFits,
            Refusal::NoGpu => Self::NoGpu,
            Refusal::Overloaded => Self::Overloaded,
        }
    }
}

impl From<Forbidden> for ApiError {
    fn from(forbidden: Forbidden) -> Self {
        Self::Forbidden(forbidden.0)
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::Malformed(error.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;

    #[test]
    fn bodies_have_the_text_and_the_transaction() {
        let id = TransactionId::from_client("t-1").unwrap();
        let response = ApiError::Forbidden("bob/x".into()).answer(&id);
        assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
        let body = response.into_body().try_into_bytes().unwrap();
        assert_eq!(
            body,
            r#"{"error":"The supplied authentication is not authorized to access 'bob/x'.","code":"t-1"}"#
        );
    }

    #[test]
    fn what_may_succeed_later_says_when() {
        let id = TransactionId::from_client("t-1").unwrap();
        assert!(ApiError::Draining.answer(&id).headers().contains_key("retry-after"));
        assert!(ApiError::from(BusError::Full).answer(&id).headers().contains_key("retry-after"));
        assert!(!ApiError::Missing.answer(&id).headers().contains_key("retry-after"));
    }
}
