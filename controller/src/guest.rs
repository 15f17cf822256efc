//! The subject that a new installation starts with. Others are made through the admin port.

use whirl_backends::store::{StoreError, SubjectStore};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Credentials, Namespace, Subject};
use whirl_service::keys::{ServerKey, new_credentials};

const GUEST: &str = "guest";

/// How often it starts over when another server does the same at this moment.
const ATTEMPTS: usize = 5;

/// Sees to the subject and namespace `guest`, with the given credentials if there are some, else with new ones
/// where it is not there yet. Gives the credentials if they were made or set just now.
///
/// # Errors
/// When the store cannot read or write it.
pub async fn provide(
    subjects: &dyn SubjectStore,
    key: &ServerKey,
    given: Option<Credentials>,
) -> Result<Option<Credentials>, StoreError> {
    for _ in 1..ATTEMPTS {
        match try_provide(subjects, key, given.clone()).await {
            Err(StoreError::Conflict(_)) => {}
            outcome => return outcome,
        }
    }
    try_provide(subjects, key, given).await
}

async fn try_provide(
    subjects: &dyn SubjectStore,
    key: &ServerKey,
    given: Option<Credentials>,
) -> Result<Option<Credentials>, StoreError> {
    let present = match subjects.get(GUEST).await {
        Ok(subject) => Some(subject),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let credentials = match (&present, given) {
        (Some(subject), Some(given)) if subject.namespaces.iter().any(|n| n.key_hash == key.hash(&given)) => {
            return Ok(None);
        }
        (Some(_), None) => return Ok(None),
        (_, Some(given)) => given,
        (None, None) => new_credentials(),
    };
    let name: Namespace = GUEST.parse().expect("'guest' is a name");
    let namespace = SubjectNamespace {
        uuid: credentials.uuid().to_owned(),
        key_hash: key.hash(&credentials),
        sealed_key: key.seal(&credentials, credentials.uuid().as_bytes()),
        name: name.clone(),
    };
    let others = present.iter().flat_map(|s| &s.namespaces).filter(|n| n.name != name).cloned();
    let namespaces = std::iter::once(namespace).chain(others).collect();
    let guest = Subject { subject: GUEST.to_owned(), namespaces, blocked: false };
    subjects.put(&guest, present.as_ref()).await?;
    Ok(Some(credentials))
}
