//! The bodies of `POST /init` and `POST /run`.

use std::borrow::Cow;

use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use whirl_model::json::JsonKind;
use whirl_model::{
    Action, ActivationId, ActivationMessage, Arguments, Input, Json, Timestamp, TransactionId, Version,
};

/// As long as most bodies of `/run` are.
const USUAL_BYTES: usize = 512;

/// What `/init` and `/run` tell the runtime about the activation.
pub(crate) struct Context<'a> {
    pub(crate) message: &'a ActivationMessage,
    pub(crate) action: &'a Action,
    /// `uuid:key` in clear, for actions that want it.
    pub(crate) api_key: Option<&'a str>,
    /// When the activation has to be over.
    pub(crate) deadline: Timestamp,
}

/// The body of `/init`: the code, as environment the arguments meant for it and the context, and the word that the
/// lines of activations that run at once are to begin with.
pub(crate) fn init(context: &Context<'_>, environment: &Arguments, tag_word: Option<&str>) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        value: Value<'a>,
    }
    #[derive(Serialize)]
    struct Value<'a> {
        name: &'a str,
        main: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        binary: bool,
        env: Environment<'a>,
        #[serde(rename = "tagLogs", skip_serializing_if = "Option::is_none")]
        tag_word: Option<&'a str>,
    }
    let exec = &context.action.exec;
    let value = Value {
        name: context.action.path.name.as_str(),
        main: exec.main().unwrap_or("main"),
        code: exec.code().map(whirl_model::Code::as_str),
        binary: exec.is_binary(),
        env: Environment { context, arguments: environment },
        tag_word,
    };
    to_bytes(&Body { value })
}

/// The body of `/run`.
pub(crate) fn run(context: &Context<'_>, input: &Input) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        value: &'a Input,
        namespace: &'a str,
        action_name: String,
        action_version: Version,
        activation_id: ActivationId,
        transaction_id: &'a TransactionId,
        deadline: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        traceparent: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        api_key: Option<&'a str>,
    }
    let message = context.message;
    to_bytes(&Body {
        value: input,
        namespace: message.caller.namespace.as_str(),
        action_name: format!("/{}", context.action.path),
        action_version: context.action.version,
        activation_id: message.activation_id,
        transaction_id: &message.transaction,
        deadline: context.deadline.0.to_string(),
        traceparent: message.trace_parent.as_deref(),
        api_key: context.api_key,
    })
}

fn to_bytes<T: Serialize>(body: &T) -> Bytes {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut bytes, body).expect("plain data serialises");
    bytes.into()
}

/// Strings by name: the arguments in their order, then the context as `__OW_…`.
struct Environment<'a> {
    context: &'a Context<'a>,
    arguments: &'a Arguments,
}

impl Serialize for Environment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.arguments.iter() {
            map.serialize_entry(name, &as_text(value))?;
        }
        let (message, action) = (self.context.message, self.context.action);
        map.serialize_entry("__OW_NAMESPACE", message.caller.namespace.as_str())?;
        map.serialize_entry("__OW_ACTION_NAME", &format!("/{}", action.path))?;
        map.serialize_entry("__OW_ACTION_VERSION", &action.version)?;
        map.serialize_entry("__OW_ACTIVATION_ID", &message.activation_id)?;
        map.serialize_entry("__OW_TRANSACTION_ID", &message.transaction)?;
        map.serialize_entry("__OW_DEADLINE", &self.context.deadline.0.to_string())?;
        if let Some(key) = self.context.api_key {
            map.serialize_entry("__OW_API_KEY", key)?;
        }
        map.end()
    }
}

/// A string as it is, `null` as the empty one, anything else as its JSON.
fn as_text(value: &Json) -> Cow<'_, str> {
    match value.kind() {
        JsonKind::String => Cow::Owned(value.to_text().unwrap_or_default()),
        JsonKind::Null => Cow::Borrowed(""),
        _ => Cow::Borrowed(value.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_values_are_strings() {
        for (json, text) in [
            ("\"a\\nb\"", "a\nb"),
            ("\"\"", ""),
            ("null", ""),
            ("1.50", "1.50"),
            ("true", "true"),
            ("[1,{}]", "[1,{}]"),
        ] {
            assert_eq!(as_text(&Json::parse(json).unwrap()), text, "{json}");
        }
    }
}
