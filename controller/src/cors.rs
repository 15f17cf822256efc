//! Which cross-origin headers an answer gets. Browsers may call the API from any page; credentials are in a
//! header that pages have to set themselves.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap, HeaderValue,
};

/// What pages may send if they do not ask.
pub(crate) const HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent");
const API_METHODS: HeaderValue = HeaderValue::from_static("GET, DELETE, POST, PUT, HEAD");
const HOST_METHODS: HeaderValue = HeaderValue::from_static("OPTIONS, GET, POST");
const WEB_METHODS: HeaderValue = HeaderValue::from_static("OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH");

/// How far pages of other origins may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cors {
    /// The management API.
    Api,
    /// Web actions, but those that say it themselves.
    Web {
        /// The headers that pages may send.
        headers: HeaderValue,
    },
    /// A question about any other path.
    Host,
    /// Nothing is said.
    Silent,
}

impl Cors {
    /// What holds for a request.
    pub(crate) fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let below = path.strip_prefix("/api/v1");
        if below.is_some_and(|rest| rest.starts_with("/web/")) {
            Self::of_web(headers)
        } else if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            Self::Api
        } else if method == Method::OPTIONS {
            Self::Host
        } else {
            Self::Silent
        }
    }

    /// What holds for a request for a web action: pages may send whatever headers they ask for.
    pub(crate) fn of_web(headers: &HeaderMap) -> Self {
        Self::Web { headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(HEADERS) }
    }

    /// Puts the headers on an answer. Those that it has already stay: a web action may be stricter.
    pub(crate) fn apply(self, answer: &mut HeaderMap) {
        let (allowed, methods) = match self {
            Self::Api => (HEADERS, API_METHODS),
            Self::Web { headers } => (headers, WEB_METHODS),
            Self::Host => (HEADERS, HOST_METHODS),
            Self::Silent => return,
        };
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (ACCESS_CONTROL_ALLOW_HEADERS, allowed),
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
        ] {
            if !answer.contains_key(&name) {
                answer.insert(name, value);
            }
        }
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
            (Method::GET, "/api/v1/web", Cors::Api),
            (Method::GET, "/api/v1/web/a/b/c", Cors::Web { headers: HEADERS }),
            (Method::GET, "/api/v10", Cors::Silent),
            (Method::GET, "/", Cors::Silent),
            (Method::OPTIONS, "/", Cors::Host),
        ] {
            assert_eq!(Cors::of(&method, path, &HeaderMap::new()), cors, "{method} {path}");
        }
    }

    #[test]
    fn web_actions_may_be_sent_what_is_asked_for_and_be_stricter() {
        let mut asked = HeaderMap::new();
        asked.insert(ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-one, x-two"));
        let mut answer = HeaderMap::new();
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://one.example"));
        Cors::of_web(&asked).apply(&mut answer);
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_HEADERS).unwrap(), "x-one, x-two");
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_METHODS), Some(&WEB_METHODS));
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://one.example");
    }
}
