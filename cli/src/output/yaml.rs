//! JSON values as YAML. Scalars keep their JSON text, which is YAML too, so numbers lose no digit; only plain
//! words go without quotes.

use indexmap::IndexMap;
use whirl_model::Json;
use whirl_model::json::JsonKind;

const INDENT: &str = "  ";
/// Words that YAML readers take for something else than a string.
const RESERVED: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "y"];

/// A whole document, with a new line at its end.
#[must_use]
pub fn document(value: &Json) -> String {
    let mut text = String::new();
    match block_of(value) {
        Some(lines) => lines.write(&mut text, 0),
        None => text.push_str(&scalar(value)),
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A value that takes lines of its own.
enum Block {
    Object(IndexMap<String, Json>),
    Array(Vec<Json>),
}

/// The block that a value makes; none for scalars and for what is empty.
fn block_of(value: &Json) -> Option<Block> {
    match value.kind() {
        JsonKind::Object => {
            let members: IndexMap<String, Json> = serde_json::from_str(value.as_str()).unwrap_or_default();
            (!members.is_empty()).then_some(Block::Object(members))
        }
        JsonKind::Array => {
            let items: Vec<Json> = serde_json::from_str(value.as_str()).unwrap_or_default();
            (!items.is_empty()).then_some(Block::Array(items))
        }
        _ => None,
    }
}

impl Block {
    fn write(&self, text: &mut String, depth: usize) {
        match self {
            Self::Object(members) => {
                for (key, value) in members {
                    entry(text, depth, &format!("{}:", plain_or_quoted(key)), value);
                }
            }
            Self::Array(items) => items.iter().for_each(|item| entry(text, depth, "-", item)),
        }
    }
}

fn entry(text: &mut String, depth: usize, head: &str, value: &Json) {
    text.push_str(&INDENT.repeat(depth));
    text.push_str(head);
    match block_of(value) {
        Some(block) => {
            text.push('\n');
            block.write(text, depth + 1);
        }
        None => {
            text.push(' ');
            text.push_str(&scalar(value));
            text.push('\n');
        }
    }
}

fn scalar(value: &Json) -> String {
    match value.to_text() {
        Some(string) => plain_or_quoted(&string),
        None => value.as_str().to_owned(),
    }
}

fn plain_or_quoted(string: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let is_word = string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && string.chars().all(plain)
        && !RESERVED.contains(&string.to_lowercase().as_str());
    if is_word { string.to_owned() } else { Json::of(string).as_str().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_to_the_same() {
        let text = r#"{"swagger":"2.0","a b":{"on":"yes","n":12.50,"deep":[1,[2,{}],{"k":null,"e":""}]},
            "empty":[],"/p/{id}":"x: # \"quoted\" \n line","t":true,"s":"true"}"#;
        let yaml = document(&Json::parse(text).unwrap());
        let back: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(back, serde_json::from_str::<serde_json::Value>(text).unwrap(), "{yaml}");
        assert!(yaml.contains("n: 12.50\n"), "{yaml}");
    }

    #[test]
    fn words_go_without_quotes() {
        let value = Json::parse(r#"{"name":"util/hello","kind":"nodejs:20","none":"no"}"#).unwrap();
        assert_eq!(document(&value), "name: util/hello\nkind: \"nodejs:20\"\nnone: \"no\"\n");
    }
}
