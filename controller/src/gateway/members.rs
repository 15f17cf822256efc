//! A JSON object taken apart one level deep: what is not looked into stays to the letter.

use indexmap::IndexMap;
use whirl_model::Json;

/// The members of an object, in order.
pub(super) type Members = IndexMap<String, Json>;

/// The members, if it is an object.
pub(super) fn of(json: &Json) -> Option<Members> {
    serde_json::from_str(json.as_str()).ok()
}

/// A member's text, if it is a string and not empty.
pub(super) fn text(members: &Members, key: &str) -> Option<String> {
    members.get(key)?.to_text().filter(|text| !text.is_empty())
}
