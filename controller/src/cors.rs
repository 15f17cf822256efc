//! Which cross-origin headers an answer gets. Browsers may call the API from any page; credentials are in a
//! header that pages have to set themselves.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap,
    HeaderValue,
};

const HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent");
const API_METHODS: HeaderValue = HeaderValue::from_static("GET, DELETE, POST, PUT, HEAD");
const HOST_METHODS: HeaderValue = HeaderValue::from_static("OPTIONS, GET, POST");

/// How far pages of other origins may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cors {
    /// The management API.
    Api,
    /// A question about any other path.
    Host,
    /// Nothing is said.
    Silent,
}

impl Cors {
    /// What holds for a request.
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let below = path.strip_prefix("/api/v1");
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            Self::Api
        } else if method == Method::OPTIONS {
            Self::Host
        } else {
            Self::Silent
        }
    }

    /// Puts the headers on an answer.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        let methods = match self {
            Self::Api => API_METHODS,
            Self::Host => HOST_METHODS,
            Self::Silent => return,
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_decides() {
        for (method, path, cors) in [
            (Method::GET, "/api/v1", Cors::Api),
            (Method::GET, "/api/v1/namespaces/_/actions", Cors::Api),
            (Method::OPTIONS, "/api/v1/x", Cors::Api),
            (Method::GET, "/api/v10", Cors::Silent),
            (Method::GET, "/", Cors::Silent),
            (Method::OPTIONS, "/", Cors::Host),
        ] {
            assert_eq!(Cors::of(&method, path), cors, "{method} {path}");
        }
    }
}
