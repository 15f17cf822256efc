//! From a request's path and method to the operation that it means. Pure; which namespace is asked, and where its
//! APIs are kept, is known elsewhere.

use std::sync::Arc;

use whirl_model::Namespace;

use super::document::{ApiDocument, Operation};
use super::path::PathTemplate;
use super::target::Target;
use super::verb::Verb;
use crate::api_error::ApiError;

/// All operations of a namespace's APIs, in the order in which they are tried.
#[derive(Debug, Default)]
pub(super) struct Routes {
    apis: Vec<ApiRoutes>,
    /// Bytes of the descriptions that these are from.
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct ApiRoutes {
    base: Vec<String>,
    cors: bool,
    paths: Vec<PathRoute>,
}

#[derive(Debug)]
struct PathRoute {
    template: PathTemplate,
    operations: Vec<(Verb, Endpoint)>,
}

/// What an operation leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The web action.
    pub(super) target: Target,
    /// What it wants to hear, if it is secured.
    pub(super) secret: Option<Arc<str>>,
    /// Whether it gets the request's path.
    pub(super) with_path: bool,
}

/// What a path and a method mean.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'a> {
    /// An operation.
    Operation {
        endpoint: &'a Endpoint,
        /// The values of the path's parameters.
        parameters: Vec<(String, String)>,
        /// Whether pages of other origins may call.
        cors: bool,
    },
    /// The question which methods there are, which no operation answers.
    Question(Vec<Verb>),
    /// The path has only these methods.
    OtherMethods(Vec<Verb>),
    /// There is no such path.
    Nothing,
}

impl Routes {
    /// The routes of all APIs of a namespace.
    pub(super) fn of(documents: &[ApiDocument], tenant: &Namespace) -> Result<Self, ApiError> {
        let mut apis = documents
            .iter()
            .map(|document| ApiRoutes::of(document, tenant))
            .collect::<Result<Vec<_>, _>>()?;
        // Equally long ones differ, so that only one of them can match.
        apis.sort_by_key(|api| std::cmp::Reverse(api.base.len()));
        let bytes = documents.iter().map(|document| document.to_json().as_str().len()).sum();
        Ok(Self { apis, bytes })
    }

    /// What a request for a path, in decoded segments, means. The API with the longest base path that has the path
    /// counts, and in it the most specific path that has the method.
    pub(super) fn find(&self, segments: &[String], verb: Option<Verb>) -> Found<'_> {
        for api in &self.apis {
            if let Some(rest) = segments.strip_prefix(api.base.as_slice()) {
                match api.find(rest, verb) {
                    Found::Nothing => {}
                    found => return found,
                }
            }
        }
        Found::Nothing
    }
}

impl ApiRoutes {
    fn of(document: &ApiDocument, tenant: &Namespace) -> Result<Self, ApiError> {
        let mut paths: Vec<PathRoute> = Vec::new();
        for Operation { template, verb, target, secret, with_path } in document.operations(tenant)? {
            let operation = (verb, Endpoint { target, secret, with_path });
            match paths.last_mut().filter(|path| path.template == template) {
                Some(path) => path.operations.push(operation),
                None => paths.push(PathRoute { template, operations: vec![operation] }),
            }
        }
        paths.sort_by(|a, b| a.template.cmp(&b.template));
        let cors = document.allows_other_origins();
        Ok(Self { base: document.base_path().segments(), cors, paths })
    }

    fn find(&self, segments: &[String], verb: Option<Verb>) -> Found<'_> {
        let mut verbs: Vec<Verb> = Vec::new();
        let mut chosen = None;
        for path in &self.paths {
            let Some(parameters) = path.template.matches(segments) else { continue };
            verbs.extend(path.operations.iter().map(|(verb, _)| *verb));
            if chosen.is_none() {
                chosen = path.endpoint(verb).map(|endpoint| (endpoint, parameters));
            }
        }
        if let Some((endpoint, parameters)) = chosen {
            Found::Operation { endpoint, parameters, cors: self.cors }
        } else if verbs.is_empty() {
            Found::Nothing
        } else if self.cors && verb == Some(Verb::Options) {
            verbs.push(Verb::Options);
            Found::Question(verbs)
        } else {
            Found::OtherMethods(verbs)
        }
    }
}

impl PathRoute {
    /// What answers a verb. `GET` also answers `HEAD`.
    fn endpoint(&self, verb: Option<Verb>) -> Option<&Endpoint> {
        let of = |wanted| self.operations.iter().find(|(verb, _)| Some(*verb) == wanted).map(|(_, it)| it);
        of(verb).or_else(|| if verb == Some(Verb::Head) { of(Some(Verb::Get)) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use whirl_model::Json;

    use super::super::document::Reader;
    use super::super::path;
    use super::*;

    fn routes(apis: &[(&str, &[(&str, &str)])]) -> Routes {
        let tenant: Namespace = "alice".parse().unwrap();
        let reader = Reader { tenant: &tenant, origin: "https://h" };
        let document = |(base, paths): &(&str, &[(&str, &str)])| {
            let path = |(path, verbs): &(&str, &str)| {
                let action = format!("{base}{path}").replace(['/', '{', '}'], "_").replacen('_', "a", 1);
                let operation = |verb| format!(r#""{verb}":{{"x-openwhisk":{{"action":"{action}"}}}}"#);
                format!(r#""{path}":{{{}}}"#, verbs.split(' ').map(operation).collect::<Vec<_>>().join(","))
            };
            let paths = paths.iter().map(path).collect::<Vec<_>>().join(",");
            let text = format!(r#"{{"swagger":"2.0","basePath":"{base}","info":{{}},"paths":{{{paths}}}}}"#);
            ApiDocument::read(&Json::parse(&text).unwrap(), reader).unwrap()
        };
        Routes::of(&apis.iter().map(document).collect::<Vec<_>>(), &tenant).unwrap()
    }

    fn found(routes: &Routes, method: &str, path: &str) -> String {
        let names = |verbs: &[Verb]| verbs.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let segments = path::segments(path).unwrap();
        match routes.find(&segments, Verb::of(method)) {
            Found::Operation { endpoint, parameters, .. } => {
                let values = parameters.iter().map(|(name, value)| format!(" {name}={value}"));
                format!("{}{}", endpoint.target.action, values.collect::<String>())
            }
            Found::Question(verbs) => format!("? {}", names(&verbs)),
            Found::OtherMethods(verbs) => format!("405 {}", names(&verbs)),
            Found::Nothing => "404".to_owned(),
        }
    }

    #[test]
    fn the_longest_base_path_that_has_the_path_counts() {
        let routes = routes(&[
            ("/", &[("/shop/x/y", "get"), ("/", "get")]),
            ("/shop", &[("/x", "get"), ("/{id}", "put")]),
            ("/shop/x", &[("/z", "get")]),
        ]);
        for (path, expected) in [
            ("/shop/x", "ashop_x"),
            ("/shop/x/y", "a_shop_x_y"),
            ("/shop/x/z", "ashop_x_z"),
            ("/shopx", "404"),
            ("/", "a_"),
            ("/shop", "404"),
        ] {
            assert_eq!(found(&routes, "GET", path), expected, "{path}");
        }
    }

    #[test]
    fn the_most_specific_path_with_the_method_counts() {
        let routes =
            routes(&[("/b", &[("/{x}/{y}", "get post"), ("/a/{y}", "get"), ("/a/c", "get delete")])]);
        for (method, path, expected) in [
            ("GET", "/b/a/c", "ab_a_c"),
            ("GET", "/b/a/d", "ab_a__y_ y=d"),
            ("HEAD", "/b/a/d", "ab_a__y_ y=d"),
            ("POST", "/b/a/c", "ab__x___y_ x=a y=c"),
            ("PUT", "/b/a/d", "405 GET,GET,POST"),
            ("TRACE", "/b/1/2", "405 GET,POST"),
            ("OPTIONS", "/b/1/2", "? GET,POST,OPTIONS"),
            ("OPTIONS", "/b/1", "404"),
        ] {
            assert_eq!(found(&routes, method, path), expected, "{method} {path}");
        }
    }
}
