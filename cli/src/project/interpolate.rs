//! `$NAME` and `${NAME}` in the strings of a manifest. Code that stands in the manifest itself is left alone.

use serde_json::{Map, Value};

/// The member whose text is code, where a dollar sign means something else.
const CODE: &str = "code";

/// Where values come from, and which ones were missing.
pub(super) struct Interpolation<'a> {
    lookup: &'a dyn Fn(&str) -> Option<Value>,
    missing: Vec<String>,
}

impl<'a> Interpolation<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<Value>) -> Self {
        Self { lookup, missing: Vec::new() }
    }

    /// The names that had no value and became empty, each once.
    pub(super) fn into_missing(self) -> Vec<String> {
        self.missing
    }

    /// The value with all names replaced, in keys too. A string that is nothing but a name becomes the name's
    /// value, whatever its type.
    pub(super) fn apply(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => self.string(&text),
            Value::Array(items) => items.into_iter().map(|item| self.apply(item)).collect(),
            Value::Object(members) => Value::Object(self.object(members)),
            other => other,
        }
    }

    fn object(&mut self, members: Map<String, Value>) -> Map<String, Value> {
        let replaced = members.into_iter().map(|(key, value)| {
            let value = if key == CODE && value.is_string() { value } else { self.apply(value) };
            (text_of(&self.string(&key)), value)
        });
        replaced.collect()
    }

    fn string(&mut self, text: &str) -> Value {
        let mut parts = split(text);
        match parts.as_mut_slice() {
            [Part::Name(name)] => self.value(name),
            _ => parts.iter().map(|part| self.part(part)).collect::<String>().into(),
        }
    }

    fn part(&mut self, part: &Part<'_>) -> String {
        match part {
            Part::Text(text) => (*text).to_owned(),
            Part::Name(name) => text_of(&self.value(name)),
        }
    }

    fn value(&mut self, name: &str) -> Value {
        (self.lookup)(name).unwrap_or_else(|| {
            if !self.missing.iter().any(|missing| missing == name) {
                self.missing.push(name.to_owned());
            }
            Value::String(String::new())
        })
    }
}

/// A string as it is, anything else as JSON.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
}

/// Texts and names in turn. `$$` is a dollar sign; a dollar sign before anything but a name is one too.
fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(place) = rest.find('$') {
        let (before, after) = (&rest[..place], &rest[place + 1..]);
        let (part, next) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((name, next)) if is_name(name) => (Part::Name(name), next),
            _ => bare(after),
        };
        parts.extend([Part::Text(before), part].into_iter().filter(|part| *part != Part::Text("")));
        rest = next;
    }
    parts.extend((!rest.is_empty()).then_some(Part::Text(rest)));
    parts
}

fn bare(after: &str) -> (Part<'_>, &str) {
    let end = after.find(|c: char| !is_name_character(c)).unwrap_or(after.len());
    match &after[..end] {
        name if is_name(name) => (Part::Name(name), &after[end..]),
        _ => (Part::Text("$"), after.strip_prefix('$').unwrap_or(after)),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_name_character)
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(value: Value) -> (Value, Vec<String>) {
        let lookup = |name: &str| match name {
            "NAME" => Some(json!("Ada")),
            "N" => Some(json!(7)),
            _ => None,
        };
        let mut interpolation = Interpolation::new(&lookup);
        let value = interpolation.apply(value);
        (value, interpolation.into_missing())
    }

    #[test]
    fn names_are_replaced_in_keys_and_values() {
        let before = json!({"p_$NAME": ["$N", "n=${N}!", "$NAME$N"], "code": "`${x}` $NAME"});
        let after = json!({"p_Ada": [7, "n=7!", "Ada7"], "code": "`${x}` $NAME"});
        assert_eq!(applied(before), (after, vec![]));
    }

    #[test]
    fn other_dollar_signs_stay_and_missing_names_are_told_once() {
        let before = json!(["^a$", "$5", "$$NAME", "${a b}", "é$"]);
        assert_eq!(applied(before).0, json!(["^a$", "$5", "$NAME", "${a b}", "é$"]));
        assert_eq!(applied(json!(["[$GONE]", "$GONE"])), (json!(["[]", ""]), vec!["GONE".to_owned()]));
    }
}
