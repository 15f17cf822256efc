//! `/admin/namespaces/{namespace}/identities` and `/admin/whois`: who has a namespace, and whose credentials some
//! are.

use actix_web::web::{self, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use whirl_backends::store::Holder;
use whirl_model::Json;

use super::{BODY_BYTES, path};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::{body, reply};

/// All who have a namespace, with their credentials.
pub(super) async fn list(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let namespace = path::namespace(&request)?;
    api.authenticator.seal_namespace(&namespace).await?;
    let shown = |Holder { caller, blocked }: &Holder| -> Value {
        json!({
            "subject": caller.subject,
            "namespace": caller.namespace.as_str(),
            "uuid": caller.uuid,
            "credentials": super::reveal(&api.authenticator, &caller.sealed_key, &caller.uuid),
            "blocked": blocked,
        })
    };
    let holders = api.stores.subjects.holders(&namespace).await?;
    Ok(reply::json(&Json::of(&holders.iter().map(shown).collect::<Vec<_>>())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    credentials: String,
}

/// Whose credentials these are; those of a blocked subject are nobody's.
pub(super) async fn whois(
    api: web::Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let bytes = body::read(request.headers(), payload, BODY_BYTES).await?;
    let Question { credentials } = body::parse(&bytes)?;
    match api.authenticator.identify(&super::credentials(&credentials)?).await {
        Ok(identity) => {
            let (subject, namespace) = (&identity.caller.subject, identity.namespace().as_str());
            Ok(reply::json(&Json::of(&json!({"subject": subject, "namespace": namespace}))))
        }
        Err(ApiError::Unauthenticated) => Err(ApiError::Missing),
        Err(error) => Err(error),
    }
}
