//! What an action is run with: the members of an object, or, between steps of a sequence, an array.

use serde::{Deserialize, Deserializer, Serialize};

use crate::json::JsonKind;
use crate::{Arguments, Json};

/// What an action is run with. Bound parameters are merged only under an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Input {
    /// Named arguments.
    Object(Arguments),
    /// The array that the step before gave, as it is.
    Array(Json),
}

/// The value is neither an object nor an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an action is run with an object or an array")]
pub struct InputError;

impl Input {
    /// The input that is this value.
    ///
    /// # Errors
    /// When the value is neither an object nor an array.
    pub fn of(value: &Json) -> Result<Self, InputError> {
        match value.kind() {
            JsonKind::Object => {
                Arguments::parse(value.as_str().as_bytes()).map(Self::Object).map_err(|_| InputError)
            }
            JsonKind::Array => Ok(Self::Array(value.clone())),
            _ => Err(InputError),
        }
    }

    /// The value of one argument; an array has none.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Self::Object(arguments) => arguments.get(key),
            Self::Array(_) => None,
        }
    }

    /// Takes the named arguments out; the others keep their order. An array has none.
    pub fn split_off(&mut self, names: &[String]) -> Arguments {
        match self {
            Self::Object(arguments) => arguments.split_off(names),
            Self::Array(_) => Arguments::default(),
        }
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::Object(Arguments::default())
    }
}

impl From<Arguments> for Input {
    fn from(arguments: Arguments) -> Self {
        Self::Object(arguments)
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&Json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_arrays_come_back_to_the_letter() {
        for text in
            [r#"{"b":1e400,"a":123456789012345678901234567890}"#, "[1.0,{\"z\":1,\"a\":2},\"<\"]", "{}", "[]"]
        {
            let input: Input = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&input).unwrap(), text);
        }
        for bad in ["1", "null", "\"x\"", "true"] {
            assert!(serde_json::from_str::<Input>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_array_has_no_arguments() {
        let mut array = Input::of(&Json::parse(r#"[{"a":1}]"#).unwrap()).unwrap();
        assert_eq!((array.split_off(&["a".to_owned()]), array.get("a")), (Arguments::default(), None));
        let mut object = Input::of(&Json::parse(r#"{"a":1,"b":2}"#).unwrap()).unwrap();
        assert!(object.split_off(&["a".to_owned()]).get("a").is_some() && object.get("a").is_none());
    }
}
