//! JSON values kept as their own compact text, so that what a user sent comes back to the letter.
//!
//! Nothing here interprets numbers or strings: big integers, `1.0` and unpaired escapes survive. Use
//! `serde_json::Value` where a value has to be taken apart.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON value as compact text (no white space outside strings). Cloning is cheap.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

/// What sort of value a [`Json`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number of any size.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

impl Json {
    /// Reads one JSON value and drops the white space between its tokens.
    ///
    /// # Errors
    /// When `text` is not exactly one JSON value.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Box<RawValue>>(text).map(Self::from)
    }

    /// The JSON of a value that always has one: strings, numbers, lists, plain structs.
    ///
    /// # Panics
    /// When `value` cannot be JSON (a map with keys that are no strings), which is a mistake of the caller.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        Self(serde_json::value::to_raw_value(value).expect("plain data serialises").into())
    }

    /// `{}`
    #[must_use]
    pub fn empty_object() -> Self {
        Self::of(&serde_json::Map::new())
    }

    /// `{"error": text}`, the shape of every failed result.
    #[must_use]
    pub fn error(text: &str) -> Self {
        #[derive(Serialize)]
        struct Failure<'a> {
            error: &'a str,
        }
        Self::of(&Failure { error: text })
    }

    /// The compact text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The sort of value this is.
    #[must_use]
    pub fn kind(&self) -> JsonKind {
        match self.as_str().as_bytes().first() {
            Some(b'{') => JsonKind::Object,
            Some(b'[') => JsonKind::Array,
            Some(b'"') => JsonKind::String,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'n') => JsonKind::Null,
            _ => JsonKind::Number,
        }
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.kind() == JsonKind::Null
    }

    /// The top-level member `key` of an object; the last one if it is repeated. `None` for anything else. Other keys
    /// may be of any sort that JSON allows.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<Json> {
        if self.kind() != JsonKind::Object {
            return None;
        }
        struct Find<'k>(&'k str);
        impl<'de> Visitor<'de> for Find<'_> {
            type Value = Option<Box<RawValue>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = None;
                while let Some(Key(key)) = map.next_key()? {
                    if *key == *self.0.as_bytes() {
                        found = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
        }
        let mut reader = serde_json::Deserializer::from_str(self.as_str());
        (&mut reader).deserialize_map(Find(key)).ok().flatten().map(Self::from)
    }

    /// The string that this value is, if it is one.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        serde_json::from_str(self.as_str()).ok()
    }

    /// Whether OpenWhisk takes the value for "yes": `true`, a number but 0, a string but the empty one,
    /// any array or object.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self.kind() {
            JsonKind::Object | JsonKind::Array => true,
            JsonKind::String => self.as_str() != "\"\"",
            JsonKind::Bool => self.as_str() == "true",
            JsonKind::Null => false,
            JsonKind::Number => self.as_str().parse::<f64>().is_ok_and(|n| n != 0.0),
        }
    }
}

/// A member's key as bytes: one with an unpaired surrogate is no text.
struct Key<'de>(Cow<'de, [u8]>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_bytes<E>(self, key: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_bytes<E>(self, key: &[u8]) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_vec())))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        if !has_space_between_tokens(raw.get()) {
            return Self(raw.into());
        }
        let compact = RawValue::from_string(without_space_between_tokens(raw.get()));
        Self(compact.expect("removing white space keeps JSON valid").into())
    }
}

/// Calls `keep` for every byte with whether it belongs to the compact text; stops when `keep` says so.
fn scan_tokens(text: &str, mut keep: impl FnMut(u8, bool) -> bool) {
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        let kept = in_string || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        if !keep(byte, kept) {
            return;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
}

fn has_space_between_tokens(text: &str) -> bool {
    let mut found = false;
    scan_tokens(text, |_, kept| {
        found |= !kept;
        !found
    });
    found
}

fn without_space_between_tokens(text: &str) -> String {
    let mut compact = Vec::with_capacity(text.len());
    scan_tokens(text, |byte, kept| {
        if kept {
            compact.push(byte);
        }
        true
    });
    String::from_utf8(compact).expect("only ASCII bytes were removed from UTF-8")
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_numbers_and_strings_to_the_letter() {
        let text = r#"{"big":123456789012345678901234567890,"float":1.0,"s":" a \" b ","x":"\u2028<&>"}"#;
        assert_eq!(Json::parse(text).unwrap().as_str(), text);
    }

    #[test]
    fn drops_white_space_between_tokens_only() {
        let json = Json::parse("{ \"a b\" : [ 1,\n 2 ], \"c\": \"\\\\\" }").unwrap();
        assert_eq!(json.as_str(), r#"{"a b":[1,2],"c":"\\"}"#);
    }

    #[test]
    fn finds_top_level_members_only() {
        let json = Json::parse(r#"{"a":{"error":1},"err\u006fr":2}"#).unwrap();
        assert_eq!(json.member("error").unwrap().as_str(), "2");
        assert!(json.member("b").is_none());
        assert!(Json::parse("[1]").unwrap().member("error").is_none());
        let odd = Json::parse(r#"{"\ud83d":1,"error":2,"\udc00\"":3,"error":4,"\ud83d\ude00":5}"#).unwrap();
        assert_eq!(odd.member("error").unwrap().as_str(), "4");
        assert_eq!(odd.member("\u{1f600}").unwrap().as_str(), "5");
    }

    #[test]
    fn truth_follows_openwhisk() {
        for (text, truth) in
            [("true", true), ("0", false), ("0.0", false), ("-1", true), ("\"\"", false), ("\"no\"", true)]
        {
            assert_eq!(Json::parse(text).unwrap().is_truthy(), truth, "{text}");
        }
        assert!(Json::parse("{}").unwrap().is_truthy() && !Json::parse("null").unwrap().is_truthy());
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "{}{}", "nul", "{'a':1}"] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
