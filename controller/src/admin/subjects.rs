//! `/admin/subjects/{subject}`: who may use the platform, and by which credentials. What becomes of a subject is
//! decided by pure functions; the store takes it only if the subject is still as it was read.

use actix_web::web::{self, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use whirl_backends::store::{Holder, StoreError};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Credentials, Json, Namespace, Subject};
use whirl_service::keys::new_credentials;

use super::{BODY_BYTES, path};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::authenticator::Authenticator;
use crate::query::Query;
use crate::{body, reply};

/// What a new namespace is to be; everything may be left to us.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    namespace: Option<String>,
    credentials: Option<String>,
}

/// Gives a subject a namespace; makes the subject if it is not there.
pub(super) async fn create(
    api: web::Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let name = path::subject(&request)?;
    let bytes = body::read(request.headers(), payload, BODY_BYTES).await?;
    let wish: Wish = if bytes.is_empty() { Wish::default() } else { body::parse(&bytes)? };
    let namespace = path::namespace_name(wish.namespace.as_deref().unwrap_or(name.as_str()))?;
    let credentials = match wish.credentials {
        Some(text) => unused(&api, &text).await?,
        None => new_credentials(),
    };
    let present = match read(&api, name.as_str()).await {
        Ok(subject) => Some(subject),
        Err(ApiError::Missing) => None,
        Err(error) => return Err(error),
    };
    api.authenticator.seal_namespace(&namespace).await?;
    let holders = api.stores.subjects.holders(&namespace).await?;
    let before = present.clone().unwrap_or_else(|| Subject {
        subject: name.to_string(),
        namespaces: Vec::new(),
        blocked: false,
    });
    let after = with_namespace(before, api.authenticator.sealed(&namespace, &credentials), &holders)?;
    change(&api, &after, present.as_ref()).await?;
    tracing::info!(subject = %name, %namespace, "an administrator gave a subject a namespace");
    Ok(reply::json(&Json::of(&json!({
        "subject": name.as_str(),
        "namespace": namespace.as_str(),
        "credentials": credentials.reveal(),
    }))))
}

/// Credentials that nobody has.
async fn unused(api: &Api, text: &str) -> Result<Credentials, ApiError> {
    let credentials = super::credentials(text)?;
    match api.authenticator.identify(&credentials).await {
        Ok(_) => Err(ApiError::CredentialsTaken),
        Err(ApiError::Unauthenticated) => Ok(credentials),
        Err(error) => Err(error),
    }
}

/// The subject with one more namespace. A UUID stands for one subject's credential alone, also where others have
/// the same namespace.
fn with_namespace(
    mut subject: Subject,
    new: SubjectNamespace,
    holders: &[Holder],
) -> Result<Subject, ApiError> {
    if subject.blocked {
        return Err(ApiError::SubjectBlocked);
    }
    if subject.namespaces.iter().any(|n| n.name == new.name) {
        return Err(ApiError::Exists);
    }
    let own = subject.namespaces.iter().map(|n| &n.uuid);
    if own.chain(holders.iter().map(|holder| &holder.caller.uuid)).any(|uuid| *uuid == new.uuid) {
        return Err(ApiError::CredentialsTaken);
    }
    subject.namespaces.push(new);
    Ok(subject)
}

/// Tells all of a subject, credentials included.
pub(super) async fn get(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let subject = read(&api, path::subject(&request)?.as_str()).await?;
    Ok(whole(&api.authenticator, &subject))
}

/// Removes a subject, or with `?namespace=` one of its namespaces. Answers how it was.
pub(super) async fn delete(api: web::Data<Api>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let name = path::subject(&request)?;
    let query = Query::parse(request.query_string())?;
    let namespace = query.text("namespace").map(path::namespace_name).transpose()?;
    let subject = read(&api, name.as_str()).await?;
    match &namespace {
        Some(namespace) => change(&api, &without(&subject, namespace)?, Some(&subject)).await?,
        None => {
            let deleted = api.stores.subjects.delete(&subject).await;
            api.changed_rights(name.as_str()).await;
            deleted?;
        }
    }
    let namespace = namespace.as_ref().map(Namespace::as_str);
    tracing::info!(subject = %name, namespace, "an administrator deleted a subject or its namespace");
    Ok(whole(&api.authenticator, &subject))
}

fn without(subject: &Subject, namespace: &Namespace) -> Result<Subject, ApiError> {
    let mut rest = subject.clone();
    rest.namespaces.retain(|n| n.name != *namespace);
    if rest.namespaces.len() == subject.namespaces.len() { Err(ApiError::Missing) } else { Ok(rest) }
}

/// Blocks a subject, or lets it in again.
pub(super) async fn block(
    api: web::Data<Api>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let name = path::subject(&request)?;
    let bytes = body::read(request.headers(), payload, BODY_BYTES).await?;
    let blocked: bool = body::parse(&bytes)?;
    let before = read(&api, name.as_str()).await?;
    let after = Subject { blocked, ..before.clone() };
    change(&api, &after, Some(&before)).await?;
    tracing::info!(subject = %name, blocked, "an administrator blocked a subject or let it in again");
    Ok(shown(&after, |n| json!({"name": n.name.as_str(), "uuid": n.uuid})))
}

/// A subject with all its namespaces, also those that OpenWhisk wrote.
async fn read(api: &Api, name: &str) -> Result<Subject, ApiError> {
    api.authenticator.seal_subject(name).await?;
    Ok(api.stores.subjects.get(name).await?)
}

/// Writes a subject. Whatever comes of it, nothing that was known is believed any more.
async fn change(api: &Api, after: &Subject, before: Option<&Subject>) -> Result<(), StoreError> {
    let written = api.stores.subjects.put(after, before).await;
    api.changed_rights(&after.subject).await;
    written
}

fn whole(authenticator: &Authenticator, subject: &Subject) -> HttpResponse {
    shown(subject, |n| {
        let credentials = super::reveal(authenticator, &n.sealed_key, &n.uuid);
        json!({"name": n.name.as_str(), "uuid": n.uuid, "credentials": credentials})
    })
}

fn shown(subject: &Subject, namespace: impl Fn(&SubjectNamespace) -> Value) -> HttpResponse {
    let namespaces: Vec<Value> = subject.namespaces.iter().map(namespace).collect();
    let Subject { subject, blocked, .. } = subject;
    reply::json(&Json::of(&json!({"subject": subject, "blocked": blocked, "namespaces": namespaces})))
}

#[cfg(test)]
mod tests {
    use whirl_model::{Caller, KeyHash, SealedKey};

    use super::*;

    fn namespace(name: &str, uuid: &str) -> SubjectNamespace {
        SubjectNamespace {
            name: name.parse().unwrap(),
            uuid: uuid.to_owned(),
            key_hash: KeyHash::from_hex(String::new()),
            sealed_key: SealedKey::from_text(""),
        }
    }

    fn alice() -> Subject {
        Subject { subject: "alice".into(), namespaces: vec![namespace("alice", "1")], blocked: false }
    }

    fn holder(namespace: &str, uuid: &str) -> Holder {
        let caller = Caller {
            subject: "bobby".into(),
            namespace: namespace.parse().unwrap(),
            uuid: uuid.to_owned(),
            sealed_key: SealedKey::from_text(""),
        };
        Holder { caller, blocked: false }
    }

    #[test]
    fn a_namespace_is_added_once_and_with_a_uuid_of_its_own() {
        let team = |uuid| namespace("team", uuid);
        let both = with_namespace(alice(), team("2"), &[holder("team", "3")]).unwrap();
        assert_eq!(both.namespaces.len(), 2);
        assert!(matches!(with_namespace(both, team("4"), &[]), Err(ApiError::Exists)));
        let taken = |outcome| matches!(outcome, Err(ApiError::CredentialsTaken));
        assert!(taken(with_namespace(alice(), team("1"), &[])));
        assert!(taken(with_namespace(alice(), team("3"), &[holder("team", "3")])));
        let blocked = Subject { blocked: true, ..alice() };
        assert!(matches!(with_namespace(blocked, team("2"), &[]), Err(ApiError::SubjectBlocked)));
    }

    #[test]
    fn a_namespace_that_is_there_is_taken_away() {
        assert!(without(&alice(), &"alice".parse().unwrap()).unwrap().namespaces.is_empty());
        assert!(matches!(without(&alice(), &"team".parse().unwrap()), Err(ApiError::Missing)));
    }
}
