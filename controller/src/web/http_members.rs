//! `.http`: the action says in its result's members `statusCode`, `headers` and `body` what is answered. What it
//! says is checked like any input: nothing of it may end the head early or lie about the body's length.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use whirl_model::Json;
use whirl_model::json::JsonKind;

use crate::api_error::ApiError;
use crate::web::answer::{Content, HTML, WebAnswer, unsuitable};
use crate::web::content_type::ContentType;
use crate::web::pretty::pretty;

/// Headers that belong to the connection, which is not the action's.
const OF_THE_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Base64 as actions write it, padded or not.
const BASE64: GeneralPurpose = {
    let any = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&ALPHABET, any.with_decode_padding_mode(DecodePaddingMode::Indifferent))
};

/// What the result says.
///
/// # Errors
/// When it is no object, or a member is not what it has to be.
pub(crate) fn answer(result: &Json) -> Result<WebAnswer, ApiError> {
    if result.kind() != JsonKind::Object {
        return Err(unsuitable("an object"));
    }
    let headers = result.member("headers").filter(|headers| !headers.is_null());
    let Headers { media, others } =
        headers.map(|headers| Headers::read(&headers)).transpose()?.unwrap_or_default();
    let body = result.member("body").filter(|body| !body.is_null() && body.as_str() != "\"\"");
    let content = body.map(|body| content(&body, media.as_deref())).transpose()?;
    let status = match result.member("statusCode") {
        Some(code) => status(&code)?,
        None if content.is_some() => StatusCode::OK,
        None => StatusCode::NO_CONTENT,
    };
    Ok(WebAnswer { status, headers: others, content: content.filter(|_| takes_body(status)) })
}

/// An integer, or a string of one. An interim status (1xx) is none that a request may end with: whoever reads it
/// would wait for another answer.
fn status(code: &Json) -> Result<StatusCode, ApiError> {
    let text = match code.kind() {
        JsonKind::Number => code.as_str().to_owned(),
        JsonKind::String => code.to_text().unwrap_or_default(),
        _ => String::new(),
    };
    let number = text.trim().parse::<f64>().ok().filter(|number| number.fract() == 0.0);
    let number = number.filter(|number| (200.0..600.0).contains(number));
    // In range and whole: nothing is cut off.
    let status = number.and_then(|number| StatusCode::from_u16(number as u16).ok());
    status.ok_or_else(|| unsuitable("a whole number from 200 to 599 as 'statusCode'"))
}

fn takes_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The headers of an answer.
#[derive(Default)]
struct Headers {
    /// The content type, as it was given.
    media: Option<String>,
    others: Vec<(HeaderName, HeaderValue)>,
}

impl Headers {
    /// Strings, numbers and booleans make a header each, and so do the elements of a list.
    fn read(members: &Json) -> Result<Self, ApiError> {
        let mut headers = Self::default();
        let members: BTreeMap<String, Json> =
            serde_json::from_str(members.as_str()).map_err(|_| unsuitable("an object as 'headers'"))?;
        for (name, value) in members {
            let refusal = || ApiError::malformed(format!("The action's header {name:?} has no good name."));
            let header = HeaderName::try_from(name.as_str()).map_err(|_| refusal())?;
            let values = match value.kind() {
                JsonKind::Array => serde_json::from_str(value.as_str()).unwrap_or_default(),
                _ => vec![value],
            };
            for value in values {
                headers.add(&header, &value)?;
            }
        }
        Ok(headers)
    }

    fn add(&mut self, name: &HeaderName, value: &Json) -> Result<(), ApiError> {
        let refusal = || ApiError::malformed(format!("The action's header '{name}' has no good value."));
        let text = match value.kind() {
            JsonKind::String => value.to_text().ok_or_else(refusal)?,
            JsonKind::Number | JsonKind::Bool => value.as_str().to_owned(),
            _ => return Err(refusal()),
        };
        if name == CONTENT_TYPE {
            self.media = Some(text);
        } else if !OF_THE_CONNECTION.contains(name) {
            let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| refusal())?;
            self.others.push((name.clone(), value));
        }
        Ok(())
    }
}

/// A body that is there, with the type that the action gave it.
fn content(body: &Json, media: Option<&str>) -> Result<Content, ApiError> {
    let read = |media| ContentType::parse(media).ok_or_else(|| unsuitable("a content type that can be read"));
    let media = media.map(read).transpose()?;
    if body.kind() == JsonKind::String {
        let text = body.to_text().ok_or_else(|| unsuitable("a body of Unicode characters"))?;
        return string(text, media.as_ref());
    }
    match media {
        None => Ok(Content::text(HeaderValue::from_static("application/json"), pretty(body))),
        Some(media) if media.is_written_in_json() => Ok(Content::text(media.header(), pretty(body))),
        Some(_) => Err(unsuitable("a string as 'body' for its content type")),
    }
}

fn string(text: String, media: Option<&ContentType>) -> Result<Content, ApiError> {
    let Some(media) = media else { return Ok(Content::text(HTML, text)) };
    let body = if media.is_written_in_json() {
        let padded = text.trim().len().is_multiple_of(4);
        decoded(&text).filter(|_| padded).unwrap_or_else(|| text.into_bytes())
    } else if media.is_text() {
        text.into_bytes()
    } else {
        decoded(&text).ok_or_else(|| unsuitable("base64 as 'body' for its content type"))?
    };
    Ok(Content { media: media.header(), body })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(result: &str) -> Result<WebAnswer, ApiError> {
        answer(&Json::parse(result).unwrap())
    }

    #[test]
    fn the_status_is_a_whole_number() {
        for (code, status) in [("201", 201), ("\"444\"", 444), ("599", 599), ("200.0", 200), ("3e2", 300)] {
            let answer = of(&format!(r#"{{"statusCode":{code}}}"#)).unwrap();
            assert_eq!(answer.status.as_u16(), status, "{code}");
        }
        for bad in ["0", "100", "199", "600", "-1", "200.5", "1e99", "true", "null", "\"x\"", "\"\"", "[200]"]
        {
            assert!(of(&format!(r#"{{"statusCode":{bad}}}"#)).is_err(), "{bad}");
        }
        assert_eq!(of("{}").unwrap().status, StatusCode::NO_CONTENT);
        assert_eq!(of(r#"{"body":"x"}"#).unwrap().status, StatusCode::OK);
    }

    #[test]
    fn each_value_of_a_header_is_a_line() {
        let lines = |headers: &str| {
            let answer = of(&format!(r#"{{"headers":{headers}}}"#)).ok()?;
            let line = |(name, value): (HeaderName, HeaderValue)| {
                format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
            };
            Some(answer.headers.into_iter().map(line).collect::<Vec<_>>().join("|"))
        };
        for (headers, shown) in [
            ("null", ""),
            ("{}", ""),
            (r#"{"Location":"http://x/"}"#, "location: http://x/"),
            (r#"{"Set-Cookie":["a=b","c=d"]}"#, "set-cookie: a=b|set-cookie: c=d"),
            (
                r#"{"n":12345678901234567890123,"t":true,"l":[1,false]}"#,
                "l: 1|l: false|n: 12345678901234567890123|t: true",
            ),
            (r#"{"x":"\u00e9","y":[]}"#, "x: é"),
            (
                r#"{"Content-Length":"99","Transfer-Encoding":"chunked","Connection":"close","Upgrade":"x"}"#,
                "",
            ),
            (r#"{"Content-Type":"anything"}"#, ""),
        ] {
            assert_eq!(lines(headers).as_deref(), Some(shown), "{headers}");
        }
        for bad in [
            "1",
            "[]",
            r#""x: y""#,
            r#"{"x":null}"#,
            r#"{"x":{}}"#,
            r#"{"x":[null]}"#,
            r#"{"x":[["y"]]}"#,
            r#"{"x":"a\r\nset-cookie: b"}"#,
            r#"{"x":"a\nb"}"#,
            r#"{"x":"\u0000"}"#,
            r#"{"x":"\ud800"}"#,
            r#"{"a b":"x"}"#,
            r#"{"":"x"}"#,
            r#"{"a:b":"x"}"#,
            r#"{"a\r\nb":"x"}"#,
            r#"{"\u00e9":"x"}"#,
        ] {
            assert_eq!(lines(bad), None, "{bad}");
        }
    }

    #[test]
    fn bodies_go_by_their_type() {
        let show = |body: &str, media: &str| {
            let headers =
                if media.is_empty() { String::new() } else { format!(r#""content-TYPE":"{media}","#) };
            let answer = of(&format!(r#"{{"headers":{{{}}},"body":{body}}}"#, headers.trim_end_matches(',')));
            let content = answer.ok()?.content?;
            Some((content.media.to_str().unwrap().to_owned(), String::from_utf8(content.body).unwrap()))
        };
        let json = "application/json";
        for (body, media, shown_media, shown) in [
            (r#""<b>""#, "", "text/html; charset=UTF-8", "<b>"),
            (r#""a""#, "text/plain", "text/plain; charset=UTF-8", "a"),
            (r#""YQ==""#, "text/plain", "text/plain; charset=UTF-8", "YQ=="),
            (r#""{\"a\":1}""#, json, json, r#"{"a":1}"#),
            (r#""eyJhIjoxfQ==""#, json, json, r#"{"a":1}"#),
            (r#""e30""#, "application/ld+json", "application/ld+json", "e30"),
            (r#""e30=""#, "application/ld+json", "application/ld+json", "{}"),
            (r#""YQ==""#, "image/png", "image/png", "a"),
            (r#""YQ""#, "application/x-unheard-of", "application/x-unheard-of", "a"),
            (r#"{"a":1.0}"#, "", json, "{\n  \"a\": 1.0\n}"),
            (r#"{"a":1}"#, "application/json; charset=utf-8", json, "{\n  \"a\": 1\n}"),
            ("[1]", "application/problem+json", "application/problem+json", "[\n  1\n]"),
            ("7", "", json, "7"),
            ("false", json, json, "false"),
        ] {
            let expected = Some((shown_media.to_owned(), shown.to_owned()));
            assert_eq!(show(body, media), expected, "{body} as {media}");
        }
        for (body, media) in [
            (r#""no base64""#, "image/png"),
            ("{}", "text/html"),
            ("1", "image/png"),
            (r#""x""#, "nonsense"),
            ("{}", "nonsense"),
            (r#""\ud800""#, ""),
        ] {
            assert_eq!(show(body, media), None, "{body} as {media}");
        }
    }

    #[test]
    fn no_body_has_no_type() {
        for body in ["null", "\"\""] {
            let answer = of(&format!(r#"{{"headers":{{"Content-Type":"no type"}},"body":{body}}}"#)).unwrap();
            assert_eq!((answer.status, answer.content), (StatusCode::NO_CONTENT, None));
        }
        for status in [204, 205, 304] {
            let answer = of(&format!(r#"{{"statusCode":{status},"body":"x"}}"#)).unwrap();
            assert_eq!((answer.status.as_u16(), answer.content), (status, None));
        }
    }
}
