//! The subject that a new installation starts with. Other subjects are made by nobody here.

use whirl_backends::store::{StoreError, SubjectStore};
use whirl_model::identity::SubjectNamespace;
use whirl_model::{Credentials, Namespace, Subject};
use whirl_service::keys::{ServerKey, new_credentials};

const GUEST: &str = "guest";

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
    let others = present.into_iter().flat_map(|s| s.namespaces).filter(|n| n.name != name);
    let namespaces = std::iter::once(namespace).chain(others).collect();
    subjects.put(&Subject { subject: GUEST.to_owned(), namespaces, blocked: false }).await?;
    Ok(Some(credentials))
}
