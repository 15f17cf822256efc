//! The methods that an operation may have.

use std::fmt;

use actix_web::http::Method;

use crate::api_error::ApiError;

/// A method, as descriptions of APIs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Put,
    Post,
    Delete,
    Patch,
    Head,
    Options,
}

impl Verb {
    const ALL: [Self; 7] =
        [Self::Get, Self::Put, Self::Post, Self::Delete, Self::Patch, Self::Head, Self::Options];

    /// The name in descriptions.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Post => "post",
            Self::Delete => "delete",
            Self::Patch => "patch",
            Self::Head => "head",
            Self::Options => "options",
        }
    }

    /// The verb of this name, in any case.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str().eq_ignore_ascii_case(name))
    }

    /// The verb of a request.
    pub(super) fn of_method(method: &Method) -> Option<Self> {
        Self::of(method.as_str())
    }

    /// The verb of this name, which a client gave.
    pub(super) fn parse(name: &str) -> Result<Self, ApiError> {
        Self::of(name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            ApiError::malformed(format!("Error: Resource verb '{name}' not supported. Verbs are: {known}."))
        })
    }
}

/// As in headers: in capitals.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().to_ascii_uppercase())
    }
}
