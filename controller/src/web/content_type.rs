//! Content types as web actions meet them: which are text and which are binary, which are JSON, and how one is
//! written back.

use actix_web::http::header::HeaderValue;

/// `text/…` types that are text without saying a charset. Others are taken for binary.
const TEXTS: [&str; 18] = [
    "cache-manifest",
    "calendar",
    "css",
    "csv",
    "event-stream",
    "html",
    "javascript",
    "markdown",
    "plain",
    "richtext",
    "sgml",
    "tab-separated-values",
    "uri-list",
    "vcard",
    "vnd.wap.wml",
    "vnd.wap.wmlscript",
    "x-component",
    "xml",
];

/// `application/…` types that are text without saying a charset.
const APPLICATION_TEXTS: [&str; 17] = [
    "atom+xml",
    "base64",
    "javascript",
    "json",
    "json-patch+json",
    "merge-patch+json",
    "problem+json",
    "problem+xml",
    "rss+xml",
    "soap+xml",
    "vnd.api+json",
    "x-javascript",
    "x-latex",
    "x-www-form-urlencoded",
    "xhtml+xml",
    "xml",
    "xml-dtd",
];

/// A content type that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentType {
    /// `type/subtype` in lower case.
    essence: String,
    /// All parameters but the charset, as they were written: `; name=value`.
    parameters: String,
    /// Whether a charset was said.
    charset: bool,
}

impl ContentType {
    /// Reads a header's value; `None` if it is no content type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (media, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let (main, sub) = media.trim().split_once('/')?;
        if !is_token(main) || !is_token(sub) {
            return None;
        }
        let essence = format!("{main}/{sub}").to_ascii_lowercase();
        let mut parsed = Self { essence, parameters: String::new(), charset: false };
        while let Some(next) = rest.strip_prefix(';').map(str::trim_start).filter(|next| !next.is_empty()) {
            let (name, value, after) = parameter(next)?;
            if name.eq_ignore_ascii_case("charset") {
                parsed.charset = true;
            } else {
                parsed.parameters += &format!("; {name}={value}");
            }
            rest = after;
        }
        (rest.is_empty() || rest.trim() == ";").then_some(parsed)
    }

    /// What a body is of that does not say it.
    pub(crate) fn unknown() -> Self {
        let essence = String::from("application/octet-stream");
        Self { essence, parameters: String::new(), charset: false }
    }

    /// `application/json` itself.
    pub(crate) fn is_json(&self) -> bool {
        self.essence == "application/json"
    }

    /// `application/json`, or a type that is written in JSON.
    pub(crate) fn is_written_in_json(&self) -> bool {
        self.is_json() || self.essence.ends_with("+json")
    }

    /// The fields of a form.
    pub(crate) fn is_form(&self) -> bool {
        self.essence == "application/x-www-form-urlencoded"
    }

    /// Whether what it types is text rather than bytes.
    pub(crate) fn is_text(&self) -> bool {
        let known = match self.essence.split_once('/') {
            Some(("text", sub)) => TEXTS.contains(&sub),
            Some(("application", sub)) => APPLICATION_TEXTS.contains(&sub),
            _ => false,
        };
        self.charset || known
    }

    /// As it is sent: what is text is UTF-8 and says so, but for JSON, which always is.
    pub(crate) fn header(&self) -> HeaderValue {
        let charset = if self.is_text() && !self.is_written_in_json() { "; charset=UTF-8" } else { "" };
        let text = format!("{}{}{charset}", self.essence, self.parameters);
        HeaderValue::try_from(text).expect("tokens and quoted strings are a header value")
    }
}

/// Splits `name=value` off the front; what follows begins with a semicolon or is empty.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let end = match rest.strip_prefix('"') {
        Some(quoted) => quoted_end(quoted)? + 1,
        None => rest.find([';', ' ', '\t']).unwrap_or(rest.len()),
    };
    let (value, after) = rest.split_at(end);
    let good = is_token(name) && (value.starts_with('"') || is_token(value));
    good.then_some((name, value, after.trim_start()))
}

/// Where a quoted string ends, just behind its closing mark.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return Some(at + 1),
            _ if byte != b'\t' && !(b' '..0x7f).contains(&byte) => return None,
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    let sign = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || sign(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_known_or_say_a_charset() {
        for (text, is_text) in [
            ("text/plain", true),
            ("Text/HTML", true),
            ("text/calendar", true),
            ("text/markdown", true),
            ("text/event-stream", true),
            ("text/x-unheard-of", false),
            ("application/json", true),
            ("application/xml", true),
            ("application/soap+xml", true),
            ("application/problem+json", true),
            ("application/vnd.unheard-of+json", false),
            ("application/vnd.unheard-of; charset=utf-8", true),
            ("application/octet-stream", false),
            ("image/svg+xml", false),
            ("image/png", false),
            ("audio/mpeg", false),
            ("font/woff2", false),
            ("multipart/form-data; boundary=x", false),
        ] {
            assert_eq!(ContentType::parse(text).unwrap().is_text(), is_text, "{text}");
        }
    }

    #[test]
    fn types_are_written_back() {
        for (text, written) in [
            ("text/html", "text/html; charset=UTF-8"),
            ("TEXT/plain;charset=iso-8859-1", "text/plain; charset=UTF-8"),
            ("application/json; charset=utf-8", "application/json"),
            ("application/ld+json;profile=\"a;b\"", "application/ld+json; profile=\"a;b\""),
            ("image/png", "image/png"),
            ("multipart/mixed ; boundary=AbC ; x=y;", "multipart/mixed; boundary=AbC; x=y"),
            ("text/css; charset=\"utf-8\"; a=b", "text/css; a=b; charset=UTF-8"),
        ] {
            assert_eq!(ContentType::parse(text).unwrap().header(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for bad in [
            "",
            "text",
            "text/",
            "/html",
            "te xt/html",
            "text/html/x",
            "text/html; charset",
            "text/html; a=",
            "text/html; a=\"b",
            "text/html a=b",
            "text/html; a=b c",
            "text/html\r\nx: y",
            "é/html",
            "text/html; a=\"\u{7f}\"",
            "text/html,text/plain",
        ] {
            assert_eq!(ContentType::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_in_json_is_known() {
        let of = |text| ContentType::parse(text).unwrap();
        assert!(of("application/JSON").is_json() && of("application/json").is_written_in_json());
        assert!(of("a/b+json").is_written_in_json() && !of("a/b+json").is_json());
        assert!(!of("text/json").is_written_in_json() && !ContentType::unknown().is_text());
        assert!(of("application/x-www-form-urlencoded; charset=utf-8").is_form());
    }
}
