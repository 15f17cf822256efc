//! The `/run` body as the one line that a launcher reads. Pure; it never changes a value, only white space.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::init_request::is_word;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    activation_id: Option<&'a RawValue>,
}

/// A run on its way to the launcher.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunRequest {
    /// What the launcher reads.
    pub(crate) line: Vec<u8>,
    /// Whose run it is, for tags: `-` if that was not said, or if the launcher has one run at a time.
    pub(crate) activation: String,
}

/// Checks that `body` is a JSON object whose `value`, if any, is an object, an array or null, and makes one line of
/// it: behind `number` and a space if the launcher runs several at once.
///
/// # Errors
/// The status and text of the answer that refuses it.
pub(crate) fn read(body: &[u8], number: Option<u64>) -> Result<RunRequest, (u16, String)> {
    let document: Document<'_> =
        serde_json::from_slice(body).map_err(|error| (400, format!("Bad request: {error}.")))?;
    let value = document.value.map_or("null", RawValue::get);
    if !(value.starts_with(['{', '[']) || value == "null") {
        return Err((403, "The argument must be a dictionary or array.".to_owned()));
    }
    let activation = number.and(document.activation_id).and_then(|id| serde_json::from_str(id.get()).ok());
    let activation = activation.filter(|id: &String| is_word(id)).unwrap_or_else(|| "-".to_owned());
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
    Ok(RunRequest { line, activation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_between_tokens_become_spaces() {
        let body = b"{\r\n\"value\": {\"a\":\"x\\ny\"}}";
        assert_eq!(read(body, None).unwrap().line, b"{  \"value\": {\"a\":\"x\\ny\"}}\n");
        assert_eq!(read(b"{}", Some(12)).unwrap().line, b"12 {}\n");
    }

    #[test]
    fn the_activation_is_a_word_or_nobodys() {
        let activation =
            |id: &str| read(format!(r#"{{"activation_id":{id}}}"#).as_bytes(), Some(1)).unwrap().activation;
        assert_eq!(activation("\"0a1\""), "0a1");
        for other in ["7", "null", "\"\"", "\"a b\"", "\"a\\nb\""] {
            assert_eq!(activation(other), "-", "{other}");
        }
    }

    #[test]
    fn only_dictionaries_and_arrays_are_arguments() {
        assert!(read(br#"{"value":[1]}"#, None).is_ok());
        assert!(read(br#"{"value":null}"#, None).is_ok());
        assert_eq!(read(br#"{"value":"text"}"#, None).unwrap_err().0, 403);
        for broken in ["", "[]x", "\"text\"", "{\"value\":{}} {}"] {
            assert_eq!(read(broken.as_bytes(), None).unwrap_err().0, 400, "{broken}");
        }
    }
}
