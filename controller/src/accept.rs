//! Whether a request's `Accept` header allows a type. Weights are looked at only to find those of zero.

use actix_web::http::header::{ACCEPT, HeaderMap};

/// JSON without parameters.
pub(crate) const JSON: &str = "application/json";

/// Whether the client takes a content type, whatever its parameters. One that says nothing, or nothing readable,
/// takes anything.
pub(crate) fn accepts(headers: &HeaderMap, media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim();
    let mut ranges = headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|text| range(text, media))
        .peekable();
    if ranges.peek().is_none() {
        return true;
    }
    // The most specific range that matches decides.
    ranges.filter(|(specific, _)| *specific > 0).max_by_key(|(specific, _)| *specific).is_some_and(|(_, q)| q)
}

/// How specifically a media range names a type (0 for not at all), and whether its weight is above zero.
fn range(text: &str, media: &str) -> Option<(u8, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|m| !m.is_empty())?;
    let main = media.split('/').next().unwrap_or_default();
    let specific = match range.strip_suffix("/*") {
        _ if range.eq_ignore_ascii_case(media) => 3,
        Some(all_of) if all_of.eq_ignore_ascii_case(main) => 2,
        Some("*") => 1,
        _ => u8::from(range == "*"),
    };
    let weight = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let wanted = weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0));
    Some((specific, wanted))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn json_is_accepted_unless_it_is_left_out() {
        for (accept, accepted) in [
            ("", true),
            ("*/*", true),
            ("application/json", true),
            ("application/JSON; charset=utf-8", true),
            ("text/html, application/*;q=0.1", true),
            ("text/html", false),
            ("text/html, text/plain;q=0.5", false),
            ("application/json;q=0", false),
            ("*/*, application/json;q=0", false),
            ("text/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts(&headers, JSON), accepted, "{accept}");
        }
        assert!(accepts(&HeaderMap::new(), JSON));
    }

    #[test]
    fn parameters_of_the_type_do_not_matter() {
        for (accept, accepted) in [
            ("text/html", true),
            ("TEXT/*", true),
            ("text/html;level=1", true),
            ("text/plain, */*;q=0.1", true),
            ("application/json", false),
            ("text/htmlx", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts(&headers, "text/html; charset=UTF-8"), accepted, "{accept}");
        }
    }
}
