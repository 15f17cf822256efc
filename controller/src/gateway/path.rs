//! Paths of APIs: base paths, paths with parameters, and the paths of requests. Pure text; what lies behind a path
//! is `routes.rs`'s business.

use percent_encoding::percent_decode_str;

use crate::api_error::ApiError;

/// Bytes that a base path may have: it is a part of the API's id.
const MAX_BASE_PATH: usize = 256;
/// Bytes that a path may have.
const MAX_PATH: usize = 1024;

/// What all paths of an API begin with: `/`, or `/SEGMENT…` without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BasePath(String);

impl BasePath {
    /// Reads one. A slash at its end does not count.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        check(text, "base path", MAX_BASE_PATH)?;
        if text.contains(['{', '}']) {
            return Err(ApiError::malformed(format!(
                "The base path ({text}) cannot have parameters. Only the relative path supports path parameters."
            )));
        }
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        Ok(Self(if trimmed.is_empty() { "/" } else { trimmed }.to_owned()))
    }

    /// The path as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What goes between a host and an operation's path: the path, or nothing for `/`.
    pub(super) fn prefix(&self) -> &str {
        self.0.strip_suffix('/').unwrap_or(&self.0)
    }

    /// Its decoded segments.
    pub(super) fn segments(&self) -> Vec<String> {
        segments(&self.0).unwrap_or_default()
    }
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// This text, decoded.
    Literal(String),
    /// Any text, called so.
    Parameter(String),
}

/// The path of an operation below its base path; `{name}` stands for any one segment.
///
/// In order, templates come before those that are less specific: `/a/b`, `/a/{x}`, `/{x}/b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PathTemplate(Vec<Piece>);

impl PathTemplate {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        if !text.starts_with('/') {
            return Err(ApiError::malformed("Error: Resource path must begin with '/'."));
        }
        check(text, "path", MAX_PATH)?;
        let mut pieces: Vec<Piece> = Vec::new();
        for segment in segments(text).unwrap_or_default() {
            let piece = match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if !name.is_empty() && !name.contains(['{', '}']) => {
                    Piece::Parameter(name.to_owned())
                }
                None if !segment.contains(['{', '}']) => Piece::Literal(segment),
                _ => return Err(malformed(text, "has a parameter that is no whole segment such as '{id}'")),
            };
            if matches!(piece, Piece::Parameter(_)) && pieces.contains(&piece) {
                return Err(malformed(text, "has two parameters of one name"));
            }
            pieces.push(piece);
        }
        Ok(Self(pieces))
    }

    /// The names of its parameters, in order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The parameters' values if the decoded segments are such a path.
    pub(super) fn matches(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        if self.0.len() != segments.len() {
            return None;
        }
        let mut values = Vec::new();
        for (piece, segment) in self.0.iter().zip(segments) {
            match piece {
                Piece::Literal(text) if text == segment => {}
                Piece::Literal(_) => return None,
                Piece::Parameter(name) => values.push((name.clone(), segment.clone())),
            }
        }
        Some(values)
    }
}

/// The decoded segments of an absolute path; a slash at its end does not count. `None` if no API can have the
/// path: a segment is empty, `.` or `..`, or no text.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.strip_suffix('/').unwrap_or(path).split('/').map(decoded).collect()
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!matches!(text.as_ref(), "" | "." | "..")).then(|| text.into_owned())
}

fn check(text: &str, what: &str, limit: usize) -> Result<(), ApiError> {
    let refused = |why: &str| Err(ApiError::malformed(format!("The {what} '{text}' {why}.")));
    if text.len() > limit {
        return Err(ApiError::malformed(format!("A {what} may have {limit} bytes at most.")));
    }
    if !text.starts_with('/') {
        return refused("does not begin with '/'");
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\')) {
        return refused("has a character that no path may have");
    }
    match segments(text) {
        Some(_) => Ok(()),
        None => refused("has a segment that is empty, '.', '..' or no text"),
    }
}

fn malformed(path: &str, why: &str) -> ApiError {
    ApiError::malformed(format!("The path '{path}' {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_paths_have_one_form() {
        for (given, kept, prefix) in [
            ("/", "/", ""),
            ("/shop", "/shop", "/shop"),
            ("/shop/", "/shop", "/shop"),
            ("/a/b", "/a/b", "/a/b"),
        ] {
            let path = BasePath::parse(given).unwrap();
            assert_eq!((path.as_str(), path.prefix()), (kept, prefix), "{given}");
        }
        let long = format!("/{}", "x".repeat(256));
        for bad in [
            "", "shop", "//", "/a//b", "/a/../b", "/%2e%2E", "/a?b", "/a b", "/a\n", "/{x}", "/%ff", "/a#",
            &long,
        ] {
            assert!(BasePath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn templates_take_whole_segments() {
        let matched =
            |template: &str, path: &str| PathTemplate::parse(template).unwrap().matches(&segments(path)?);
        let value = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(matched("/item/{id}", "/item/a%2Fb"), Some(vec![value("id", "a/b")]));
        assert_eq!(matched("/{a}/x/{b}", "/1/x/2/"), Some(vec![value("a", "1"), value("b", "2")]));
        assert_eq!(matched("/caf%C3%A9", "/café"), Some(vec![]));
        assert_eq!(matched("/", "/"), Some(vec![]));
        for (template, path) in
            [("/item/{id}", "/item"), ("/item/{id}", "/item/1/2"), ("/item/{id}", "/item/.."), ("/a", "/A")]
        {
            assert_eq!(matched(template, path), None, "{template} {path}");
        }
        for bad in ["x", "/a/{id", "/a/x{id}", "/{}", "/{a}/{a}", "/{{a}}"] {
            assert!(PathTemplate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_specific_comes_first() {
        let mut templates = ["/{x}/b", "/a/{x}", "/a/b"].map(|t| PathTemplate::parse(t).unwrap());
        templates.sort();
        assert_eq!(templates, ["/a/b", "/a/{x}", "/{x}/b"].map(|t| PathTemplate::parse(t).unwrap()));
    }
}
