//! The names in administrators' paths and bodies, and what they may look like.

use actix_web::HttpRequest;
use whirl_model::{EntityName, Namespace};

use crate::api_error::ApiError;

/// Characters that a subject's name has at least.
const SHORTEST: usize = 5;

/// The subject in the path.
pub(super) fn subject(request: &HttpRequest) -> Result<EntityName, ApiError> {
    subject_name(request.match_info().get("subject").unwrap_or_default())
}

/// The namespace in the path.
pub(super) fn namespace(request: &HttpRequest) -> Result<Namespace, ApiError> {
    namespace_name(request.match_info().get("namespace").unwrap_or_default())
}

/// A subject's name: as other names are, 5 characters or more. Stores keep ids that begin with an underscore for
/// themselves.
fn subject_name(text: &str) -> Result<EntityName, ApiError> {
    if text.starts_with('_') || text.chars().count() < SHORTEST {
        return Err(ApiError::malformed(
            "A subject's name has 5 characters or more and does not begin with an underscore.",
        ));
    }
    Ok(text.parse()?)
}

/// A namespace's name. `_` alone stands for the caller's own elsewhere.
pub(super) fn namespace_name(text: &str) -> Result<Namespace, ApiError> {
    if text.starts_with('_') {
        return Err(ApiError::malformed("A namespace's name does not begin with an underscore."));
    }
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_store_cannot_keep_are_refused() {
        for good in ["alice", "alice@example.org", "A & B 1"] {
            assert!(subject_name(good).is_ok(), "{good}");
        }
        for bad in ["", "anna", "_design", "alice/limits", "alice\n", "alice%2F", "ålice", &"x".repeat(257)]
        {
            assert!(subject_name(bad).is_err(), "{bad}");
        }
        assert!(namespace_name("ns").is_ok());
        for bad in ["", "_", "_ns", "a/b", "a "] {
            assert!(namespace_name(bad).is_err(), "{bad}");
        }
    }
}
