//! The `/init` body: what it may hold, and the first line a launcher receives. Pure: files are written elsewhere.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The code of an action and how to enter it.
#[derive(Debug)]
pub(crate) struct InitRequest {
    /// Entry point, `main` unless named.
    pub(crate) main: String,
    /// Environment variables, already text.
    pub(crate) env: BTreeMap<String, String>,
    /// The word that every line of a run is to begin with: several runs will be in flight.
    pub(crate) tag_word: Option<String>,
    /// What was uploaded.
    pub(crate) code: Code,
}

/// An action's code in the forms that OpenWhisk uploads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Source text.
    Source(String),
    /// A zip archive.
    Zip(Vec<u8>),
    /// A gzipped tar archive.
    TarGz(Vec<u8>),
    /// A program that the system runs: ELF, or text that starts with `#!`.
    Program(Vec<u8>),
}

/// Why a body is no init request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InitRequestError {
    /// Not the JSON of an init request.
    #[error("Bad request: {0}.")]
    Malformed(String),
    /// No code in it.
    #[error("Missing main/no code to execute.")]
    MissingCode,
    /// `binary` is true, but the code is not base64.
    #[error("Bad request: the code is not valid base64.")]
    NotBase64,
    /// `binary` is true, but the bytes are nothing that could be run.
    #[error("There was an error uncompressing the action archive. The file type is unsupported.")]
    UnsupportedBinary,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    value: Option<Fields>,
}

#[derive(Deserialize, Default)]
struct Fields {
    #[serde(default)]
    main: Option<Value>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    binary: Option<bool>,
    #[serde(default)]
    env: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(default, rename = "tagLogs")]
    tag_logs: Option<Value>,
}

impl InitRequest {
    /// Reads the body of `/init`: `{"value": {"main", "code", "binary", "env", "tagLogs"}}`.
    ///
    /// # Errors
    /// [`InitRequestError`], each with the text for the client.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, InitRequestError> {
        let document: Document =
            serde_json::from_slice(body).map_err(|error| InitRequestError::Malformed(error.to_string()))?;
        let fields = document.value.unwrap_or_default();
        let main = match fields.main {
            Some(Value::String(main)) if !main.is_empty() => main,
            _ => "main".to_owned(),
        };
        let code = match fields.code {
            Some(Value::String(code)) if !code.is_empty() => code,
            _ => return Err(InitRequestError::MissingCode),
        };
        let code = if fields.binary.unwrap_or(false) { decode(&code)? } else { Code::Source(code) };
        let env = fields.env.unwrap_or_default();
        let env = env.into_iter().map(|(name, value)| (name, text_of(&value))).collect();
        let tag_word = match fields.tag_logs {
            Some(Value::String(word)) if is_word(&word) => Some(word),
            _ => None,
        };
        Ok(Self { main, env, tag_word, code })
    }

    /// The line that initialises a launcher; `directory` holds the unpacked archive or the program `exec`.
    pub(crate) fn line(&self, directory: &Path) -> Vec<u8> {
        let (code, directory) = match &self.code {
            Code::Source(text) => (Some(text.as_str()), None),
            _ => (None, Some(directory.to_string_lossy())),
        };
        let line = Line {
            main: &self.main,
            code,
            directory: directory.as_deref(),
            env: &self.env,
            tag_logs: self.tag_word.as_deref(),
        };
        let mut bytes = serde_json::to_vec(&line).expect("strings in maps with string keys always serialise");
        bytes.push(b'\n');
        bytes
    }
}

#[derive(Serialize)]
struct Line<'a> {
    main: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<&'a str>,
    env: &'a BTreeMap<String, String>,
    #[serde(rename = "tagLogs", skip_serializing_if = "Option::is_none")]
    tag_logs: Option<&'a str>,
}

/// Whether a text can stand in a tag: it can be told from what surrounds it.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A string as it is, null as nothing, anything else as its JSON text.
fn text_of(value: &RawValue) -> String {
    let text = value.get();
    match serde_json::from_str::<String>(text) {
        Ok(string) => string,
        Err(_) if text == "null" => String::new(),
        Err(_) => text.to_owned(),
    }
}

fn decode(code: &str) -> Result<Code, InitRequestError> {
    let bytes = STANDARD.decode(code).map_err(|_| InitRequestError::NotBase64)?;
    match bytes.as_slice() {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Ok(Code::Zip(bytes)),
        [0x1f, 0x8b, ..] => Ok(Code::TarGz(bytes)),
        [0x7f, b'E', b'L', b'F', ..] | [b'#', b'!', ..] => Ok(Code::Program(bytes)),
        _ => Err(InitRequestError::UnsupportedBinary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_values_become_text() {
        let body =
            br#"{"value":{"code":"x","env":{"a":"","b":1.50,"c":{"k":[true]},"d":null,"e":"\u2744"}}}"#;
        let request = InitRequest::parse(body).unwrap();
        let values: Vec<&str> = request.env.values().map(String::as_str).collect();
        assert_eq!(values, ["", "1.50", r#"{"k":[true]}"#, "", "❄"]);
    }

    #[test]
    fn the_first_line_is_one_line() {
        let request = InitRequest::parse(br#"{"value":{"main":"f","code":"a\nb"}}"#).unwrap();
        assert_eq!(request.line(Path::new("/w")), b"{\"main\":\"f\",\"code\":\"a\\nb\",\"env\":{}}\n");
        let request = InitRequest::parse(br#"{"value":{"code":"UEsDBA==","binary":true}}"#).unwrap();
        assert_eq!(request.line(Path::new("/w")), b"{\"main\":\"main\",\"directory\":\"/w\",\"env\":{}}\n");
    }

    #[test]
    fn only_a_word_tags() {
        let word = |tag: &str| {
            let body = format!(r#"{{"value":{{"code":"x","tagLogs":{tag}}}}}"#);
            InitRequest::parse(body.as_bytes()).unwrap().tag_word
        };
        assert_eq!(word("\"0af\"").as_deref(), Some("0af"));
        for other in ["\"\"", "\"a b\"", "\"a\\n\"", "true", "null"] {
            assert_eq!(word(other), None, "{other}");
        }
        let request = InitRequest::parse(br#"{"value":{"code":"x","tagLogs":"0af"}}"#).unwrap();
        let line = b"{\"main\":\"main\",\"code\":\"x\",\"env\":{},\"tagLogs\":\"0af\"}\n";
        assert_eq!(request.line(Path::new("/w")), line);
    }

    #[test]
    fn what_is_not_code_is_refused() {
        let refusal = |body: &str| InitRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(refusal("{}"), InitRequestError::MissingCode);
        assert_eq!(refusal(r#"{"value":{"main":"","code":""}}"#), InitRequestError::MissingCode);
        assert_eq!(refusal(r#"{"value":{"code":"%%","binary":true}}"#), InitRequestError::NotBase64);
        assert_eq!(
            refusal(r#"{"value":{"code":"YWJj","binary":true}}"#),
            InitRequestError::UnsupportedBinary
        );
        assert!(matches!(refusal("garbage"), InitRequestError::Malformed(_)));
    }
}
