//! From an action's result to the answer that its URL's extension asks for. What the result of `.http` says of
//! status, headers and body is in `http_members.rs`.

use actix_web::http::header::HeaderValue;
use whirl_model::Json;
use whirl_model::json::JsonKind;

use crate::api_error::ApiError;
use crate::web::answer::{HTML, WebAnswer, unsuitable};
use crate::web::http_members;
use crate::web::path::Extension;
use crate::web::pretty::pretty;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");

/// The answer in the form that is wanted.
///
/// # Errors
/// When the value does not suit it.
pub(crate) fn transcode(extension: Extension, value: &Json) -> Result<WebAnswer, ApiError> {
    match extension {
        Extension::Http => http_members::answer(value),
        Extension::Json => match value.kind() {
            JsonKind::Object | JsonKind::Array => Ok(WebAnswer::ok(JSON, pretty(value))),
            _ => Err(unsuitable("an object or array")),
        },
        Extension::Html => {
            let page =
                if value.kind() == JsonKind::String { Some(value.clone()) } else { body(value, "html") };
            let page = page.and_then(|page| page.to_text());
            page.map(|page| WebAnswer::ok(HTML, page))
                .ok_or_else(|| unsuitable("a string as 'body' or 'html'"))
        }
        Extension::Svg => {
            let drawing = body(value, "svg").and_then(|drawing| drawing.to_text());
            let refusal = || unsuitable("a string as 'body' or 'svg'");
            drawing.map(|drawing| WebAnswer::ok(SVG, drawing)).ok_or_else(refusal)
        }
        Extension::Text => {
            let shown =
                if value.kind() == JsonKind::Object { body(value, "text") } else { Some(value.clone()) };
            shown.map(|shown| WebAnswer::ok(TEXT, plain(&shown))).ok_or(ApiError::Missing)
        }
    }
}

/// The member `body`, or else the one that is named as the extension.
fn body(value: &Json, extension: &str) -> Option<Json> {
    value.member("body").or_else(|| value.member(extension))
}

/// A string itself, anything else as JSON.
fn plain(value: &Json) -> String {
    value.to_text().unwrap_or_else(|| pretty(value))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;

    use super::*;

    fn show(extension: Extension, value: &str) -> Result<(HeaderValue, String), ApiError> {
        let answer = transcode(extension, &Json::parse(value).unwrap())?;
        assert_eq!((answer.status, answer.headers.len()), (StatusCode::OK, 0));
        let content = answer.content.expect("a body");
        Ok((content.media, String::from_utf8(content.body).unwrap()))
    }

    #[test]
    fn each_extension_shows_what_suits_it() {
        for (extension, value, media, body) in [
            (
                Extension::Json,
                r#"{"a":12345678901234567890123}"#,
                JSON,
                "{\n  \"a\": 12345678901234567890123\n}",
            ),
            (Extension::Json, r#"["<&>"]"#, JSON, "[\n  \"<&>\"\n]"),
            (Extension::Html, r#"{"html":"<p>"}"#, HTML, "<p>"),
            (Extension::Html, r#"{"html":"<p>","body":"<b>"}"#, HTML, "<b>"),
            (Extension::Html, r#""<p>""#, HTML, "<p>"),
            (Extension::Svg, r#"{"svg":"<svg/>"}"#, SVG, "<svg/>"),
            (Extension::Svg, r#"{"body":"<svg/>"}"#, SVG, "<svg/>"),
            (Extension::Text, r#"{"text":"a\nb"}"#, TEXT, "a\nb"),
            (Extension::Text, r#"{"body":1.0,"text":"x"}"#, TEXT, "1.0"),
            (Extension::Text, r#"{"text":true}"#, TEXT, "true"),
            (Extension::Text, r#"{"text":null}"#, TEXT, "null"),
            (Extension::Text, r#"{"text":{"a":[]}}"#, TEXT, "{\n  \"a\": []\n}"),
            (Extension::Text, r#"{"text":[1]}"#, TEXT, "[\n  1\n]"),
            (Extension::Text, r#""failed""#, TEXT, "failed"),
        ] {
            assert_eq!(show(extension, value).unwrap(), (media, body.to_owned()), "{extension:?} {value}");
        }
    }

    #[test]
    fn what_does_not_suit_is_refused() {
        for (extension, value) in [
            (Extension::Json, "\"x\""),
            (Extension::Json, "1"),
            (Extension::Json, "null"),
            (Extension::Html, "{}"),
            (Extension::Html, r#"{"html":1}"#),
            (Extension::Html, r#"{"html":"x","body":{}}"#),
            (Extension::Html, "[]"),
            (Extension::Svg, r#"{"html":"<p>"}"#),
            (Extension::Svg, "\"<svg/>\""),
            (Extension::Http, "[]"),
            (Extension::Http, "\"x\""),
        ] {
            let refused = show(extension, value);
            assert!(matches!(refused, Err(ApiError::Malformed(_))), "{extension:?} {value}: {refused:?}");
        }
        assert!(matches!(show(Extension::Text, "{}"), Err(ApiError::Missing)));
    }
}
