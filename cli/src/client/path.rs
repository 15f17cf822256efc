//! Request paths: segments joined by slashes, everything but unreserved characters percent-encoded.

use std::fmt::Write as _;

/// `/a/b%20c` of `["a", "b c"]`. A slash inside a segment separates too, as in `package/action`.
pub(super) fn join(segments: &[&str]) -> String {
    segments.iter().flat_map(|segment| segment.split('/')).fold(String::new(), |mut path, segment| {
        path.push('/');
        encode_into(&mut path, segment);
        path
    })
}

/// `?a=1&b=x%20y`, or nothing for no pairs.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        encode_into(&mut text, key);
        text.push('=');
        encode_into(&mut text, value);
    }
    text
}

fn encode_into(text: &mut String, raw: &str) {
    for byte in raw.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded_and_slashes_separate() {
        assert_eq!(join(&["namespaces", "_", "actions", "my pkg/a&b?c+é"]), {
            "/namespaces/_/actions/my%20pkg/a%26b%3Fc%2B%C3%A9"
        });
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(
            query(&[("limit", "30".to_owned()), ("name", "p/a b".to_owned())]),
            "?limit=30&name=p%2Fa%20b"
        );
        assert_eq!(query(&[]), "");
    }
}
