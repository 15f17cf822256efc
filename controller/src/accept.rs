//! Whether a request's `Accept` header allows JSON. Weights are looked at only to find those of zero.

use actix_web::http::header::{ACCEPT, HeaderMap};

/// Whether the client takes `application/json`. One that says nothing, or nothing readable, takes anything.
pub(crate) fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .peekable();
    if ranges.peek().is_none() {
        return true;
    }
    // The most specific range that matches decides.
    ranges.filter(|(specific, _)| *specific > 0).max_by_key(|(specific, _)| *specific).is_some_and(|(_, q)| q)
}

/// How specifically a media range names JSON (0 for not at all), and whether its weight is above zero.
fn range(text: &str) -> Option<(u8, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().filter(|m| !m.is_empty())?.to_ascii_lowercase();
    let specific = match media.as_str() {
        "application/json" => 3,
        "application/*" => 2,
        "*/*" | "*" => 1,
        _ => 0,
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
            assert_eq!(accepts_json(&headers), accepted, "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
