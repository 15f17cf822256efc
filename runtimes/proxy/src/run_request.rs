//! The `/run` body as the one line that a launcher reads. Pure; it never changes a value, only white space.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// Checks that `body` is a JSON object whose `value`, if any, is an object, an array or null, and returns it as
/// one line: behind `number` and a space if the launcher runs several at once.
///
/// # Errors
/// The status and text of the answer that refuses it.
pub(crate) fn line(body: &[u8], number: Option<u64>) -> Result<Vec<u8>, (u16, String)> {
    let document: Document<'_> =
        serde_json::from_slice(body).map_err(|error| (400, format!("Bad request: {error}.")))?;
    let value = document.value.map_or("null", RawValue::get);
    if !(value.starts_with(['{', '[']) || value == "null") {
        return Err((403, "The argument must be a dictionary or array.".to_owned()));
    }
    let mut line = Vec::with_capacity(body.len() + 24);
    if let Some(number) = number {
        line.extend_from_slice(number.to_string().as_bytes());
        line.push(b' ');
    }
    let start = line.len();
    line.extend_from_slice(body);
    // Inside strings JSON escapes line ends, so what is found here is white space between tokens.
    for byte in &mut line[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_between_tokens_become_spaces() {
        let body = b"{\r\n\"value\": {\"a\":\"x\\ny\"}}";
        assert_eq!(line(body, None).unwrap(), b"{  \"value\": {\"a\":\"x\\ny\"}}\n");
        assert_eq!(line(b"{}", Some(12)).unwrap(), b"12 {}\n");
    }

    #[test]
    fn only_dictionaries_and_arrays_are_arguments() {
        assert!(line(br#"{"value":[1]}"#, None).is_ok());
        assert!(line(br#"{"value":null}"#, None).is_ok());
        assert_eq!(line(br#"{"value":"text"}"#, None).unwrap_err().0, 403);
        for broken in ["", "[]x", "\"text\"", "{\"value\":{}} {}"] {
            assert_eq!(line(broken.as_bytes(), None).unwrap_err().0, 400, "{broken}");
        }
    }
}
