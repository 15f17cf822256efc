//! From a request to the arguments of a web action: its query and body as arguments, or raw, and what is told
//! about the request beside them.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::Query;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{CONTROLS, utf8_percent_encode};
use whirl_model::json::JsonKind;
use whirl_model::{Arguments, Json, Namespace};

use crate::api_error::ApiError;
use crate::policy::EXTRA_LOGGING;
use crate::web::content_type::ContentType;

/// Told in every request.
const METHOD: &str = "__ow_method";
const HEADERS: &str = "__ow_headers";
const PATH: &str = "__ow_path";
/// Told if the caller is known.
const USER: &str = "__ow_user";
/// Told to raw actions.
const QUERY: &str = "__ow_query";
/// Told to raw actions, and of bodies that have no members.
const BODY: &str = "__ow_body";
/// Nobody else may give these.
const RESERVED: [&str; 6] = [METHOD, HEADERS, PATH, USER, QUERY, BODY];

/// What an action is told of a request.
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    /// What follows the action's name in the URL.
    pub(crate) path: &'a str,
    /// What follows the `?`.
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    /// The namespace of who asks, if that is known.
    pub(crate) user: Option<&'a Namespace>,
}

/// The arguments of a web action, by who made them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WebArguments {
    /// What is told of the request.
    told: Vec<(String, Json)>,
    /// What the client gave in query and body.
    pub(crate) given: Arguments,
}

impl WebArguments {
    /// All of them; what the client gave lies on top.
    pub(crate) fn all(self) -> Arguments {
        let told: Arguments = self.told.into_iter().collect();
        told.overlaid_with(self.given)
    }

    fn tell(&mut self, name: &str, value: Json) {
        self.told.push((name.to_owned(), value));
    }
}

impl Incoming<'_> {
    /// The arguments of an action that wants the request as it came.
    pub(crate) fn raw(&self) -> WebArguments {
        let mut arguments = self.told();
        arguments.tell(QUERY, Json::of(&utf8_percent_encode(self.query, CONTROLS).to_string()));
        let media = self.media();
        let text = media.is_text() && !media.is_json();
        arguments.tell(BODY, if text { self.body_as_text() } else { self.body_as_base64() });
        arguments
    }

    /// The arguments of an action that wants query and body read for it.
    ///
    /// # Errors
    /// When the body is not the JSON that it says it is, or the client gives arguments of reserved names.
    pub(crate) fn parsed(&self) -> Result<WebArguments, ApiError> {
        let mut arguments = self.told();
        let query = fields(self.query);
        let media = self.media();
        let body = if self.body.is_empty() {
            Arguments::default()
        } else if media.is_written_in_json() {
            let json = self.body_as_json()?;
            if json.kind() == JsonKind::Object {
                Arguments::parse(json.as_str().as_bytes()).map_err(|error| malformed(&error))?
            } else {
                arguments.tell(BODY, json);
                Arguments::default()
            }
        } else if media.is_form() {
            fields(&String::from_utf8_lossy(self.body))
        } else {
            arguments.tell(BODY, if media.is_text() { self.body_as_text() } else { self.body_as_base64() });
            Arguments::default()
        };
        arguments.given = query.overlaid_with(body);
        if RESERVED.iter().any(|name| arguments.given.get(name).is_some()) {
            return Err(ApiError::fixed_parameter());
        }
        Ok(arguments)
    }

    /// What every action is told.
    fn told(&self) -> WebArguments {
        let mut arguments = WebArguments::default();
        arguments.tell(METHOD, Json::of(&self.method.as_str().to_ascii_lowercase()));
        arguments.tell(HEADERS, Json::of(&self.shown_headers()));
        arguments.tell(PATH, Json::of(self.path));
        if let Some(user) = self.user {
            arguments.tell(USER, Json::of(user));
        }
        arguments
    }

    /// Of a repeated header the last. The platform's own business is left out.
    fn shown_headers(&self) -> BTreeMap<&str, String> {
        let own = [CONTENT_LENGTH, EXTRA_LOGGING];
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut shown: BTreeMap<_, _> = (self.headers.iter())
            .filter(|(name, _)| !own.contains(name))
            .map(|(name, value)| (name.as_str(), text(value.as_bytes())))
            .collect();
        if !self.body.is_empty() {
            let unknown = || text(ContentType::unknown().header().as_bytes());
            shown.entry(CONTENT_TYPE.as_str()).or_insert_with(unknown);
        }
        shown
    }

    /// The body's type; unknown if it cannot be read.
    fn media(&self) -> ContentType {
        let said = self.headers.get_all(CONTENT_TYPE).last().and_then(|value| value.to_str().ok());
        said.and_then(ContentType::parse).unwrap_or_else(ContentType::unknown)
    }

    fn body_as_text(&self) -> Json {
        Json::of(&String::from_utf8_lossy(self.body))
    }

    fn body_as_base64(&self) -> Json {
        Json::of(&STANDARD.encode(self.body))
    }

    fn body_as_json(&self) -> Result<Json, ApiError> {
        let text = std::str::from_utf8(self.body);
        let text = text.map_err(|_| ApiError::malformed("The request's body is not UTF-8."))?;
        Json::parse(text).map_err(|error| malformed(&error))
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::malformed(format!("The request content was malformed: {error}"))
}

/// The fields of a form or query as strings; of a repeated one the last.
fn fields(text: &str) -> Arguments {
    let pairs = Query::<Vec<(String, String)>>::from_query(text).map(Query::into_inner).unwrap_or_default();
    pairs.into_iter().map(|(name, value)| (name, Json::of(&value))).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    /// A request's query, content type and body.
    struct Case(&'static str, Option<&'static str>, &'static [u8]);

    impl Case {
        fn ask<T>(&self, ask: impl FnOnce(Incoming<'_>) -> T) -> T {
            let mut headers = HeaderMap::new();
            if let Some(media) = self.1 {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
            }
            let (query, body) = (self.0, self.2);
            ask(Incoming { method: &Method::POST, headers: &headers, path: "", query, body, user: None })
        }

        /// What is beside method, headers and path, which are always told first.
        fn parsed(&self) -> Option<String> {
            self.ask(|incoming| incoming.parsed().ok()).map(rest)
        }

        fn raw(&self) -> String {
            rest(self.ask(|incoming| incoming.raw()))
        }
    }

    fn rest(arguments: WebArguments) -> String {
        let mut all = arguments.all();
        all.split_off(&[METHOD, HEADERS, PATH].map(str::to_owned));
        Json::of(&all).as_str().to_owned()
    }

    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn query_and_body_become_arguments() {
        for (case, arguments) in [
            (Case("", None, b""), "{}"),
            (Case("a=1&b=x+y%2Fz&a=2&c", None, b""), r#"{"a":"2","b":"x y/z","c":""}"#),
            (Case("", JSON, b""), "{}"),
            (
                Case("a=1&b=2", JSON, br#" {"b": 12345678901234567890123, "c": [1.0]} "#),
                r#"{"a":"1","b":12345678901234567890123,"c":[1.0]}"#,
            ),
            (Case("", Some("application/vnd.x+json"), br#"{"a":null}"#), r#"{"a":null}"#),
            (Case("", Some("application/json; charset=utf-8"), b"[1,2]"), r#"{"__ow_body":[1,2]}"#),
            (Case("", JSON, b"\"x\""), r#"{"__ow_body":"x"}"#),
            (Case("", JSON, b"7"), r#"{"__ow_body":7}"#),
            (Case("", JSON, b"true"), r#"{"__ow_body":true}"#),
            (Case("", JSON, b"null"), r#"{"__ow_body":null}"#),
            (
                Case("a=1", Some("application/x-www-form-urlencoded"), b"a=2&b=two+words&b=%C3%A9"),
                "{\"a\":\"2\",\"b\":\"é\"}",
            ),
            (Case("", Some("text/html"), b"key=value"), r#"{"__ow_body":"key=value"}"#),
            (Case("", Some("x/y; charset=utf-8"), b"t"), r#"{"__ow_body":"t"}"#),
            (Case("", Some("image/svg+xml"), b"<svg/>"), r#"{"__ow_body":"PHN2Zy8+"}"#),
            (Case("", Some("multipart/form-data; boundary=x"), b"--x"), r#"{"__ow_body":"LS14"}"#),
            (Case("", Some("no type"), b"\xff"), r#"{"__ow_body":"/w=="}"#),
            (Case("", None, b"{}"), r#"{"__ow_body":"e30="}"#),
        ] {
            assert_eq!(case.parsed().as_deref(), Some(arguments), "{:?} {:?}", case.1, case.2);
        }
    }

    #[test]
    fn what_is_no_json_or_reserved_is_refused() {
        for case in [
            Case("", JSON, b"{"),
            Case("", JSON, b"{}{}"),
            Case("", JSON, b"\"\xff\""),
            Case("", Some("application/vnd.x+json"), b"x"),
            Case("__ow_user=root", None, b""),
            Case("", JSON, br#"{"__ow_method":1}"#),
            Case("", JSON, br#"{"__ow_bod\u0079":1}"#),
            Case("", Some("application/x-www-form-urlencoded"), b"__ow_headers="),
        ] {
            assert_eq!(case.parsed(), None, "{:?} {:?}", case.0, case.2);
        }
    }

    #[test]
    fn raw_requests_are_not_read() {
        for (case, arguments) in [
            (Case("", None, b""), r#"{"__ow_query":"","__ow_body":""}"#),
            (Case("a=1&__ow_user=x", None, b""), r#"{"__ow_query":"a=1&__ow_user=x","__ow_body":""}"#),
            (Case("a=é", None, b""), r#"{"__ow_query":"a=%C3%A9","__ow_body":""}"#),
            (Case("", JSON, br#"{"a":1}"#), r#"{"__ow_query":"","__ow_body":"eyJhIjoxfQ=="}"#),
            (Case("", JSON, b"{"), r#"{"__ow_query":"","__ow_body":"ew=="}"#),
            (Case("", Some("application/problem+json"), b"{}"), r#"{"__ow_query":"","__ow_body":"{}"}"#),
            (
                Case("", Some("application/x-www-form-urlencoded"), b"a=1"),
                r#"{"__ow_query":"","__ow_body":"a=1"}"#,
            ),
            (Case("", Some("text/plain"), b"hi"), r#"{"__ow_query":"","__ow_body":"hi"}"#),
            (Case("", Some("image/png"), b"\x89"), r#"{"__ow_query":"","__ow_body":"iQ=="}"#),
        ] {
            assert_eq!(case.raw(), arguments, "{:?} {:?}", case.1, case.2);
        }
    }

    #[test]
    fn the_request_itself_is_told() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("content-length", "1"),
            ("x-ow-extra-logging", "on"),
            ("x-request-id", "t-1"),
            ("authorization", "Basic x"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let user = "bob".parse().unwrap();
        let incoming = Incoming {
            method: &Method::PATCH,
            headers: &headers,
            path: "/x%20y",
            query: "",
            body: b"1",
            user: Some(&user),
        };
        let told = concat!(
            r#"{"__ow_method":"patch","__ow_headers":{"authorization":"Basic x","#,
            r#""content-type":"application/octet-stream","x-request-id":"t-1","x-twice":"2"},"#,
            r#""__ow_path":"/x%20y","__ow_user":"bob","__ow_query":"","__ow_body":"MQ=="}"#,
        );
        assert_eq!(Json::of(&incoming.raw().all()).as_str(), told);
    }
}
