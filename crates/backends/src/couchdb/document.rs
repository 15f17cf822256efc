//! Entities as documents: OpenWhisk's layout. An entity's own members stand beside `_id`, `_rev` and
//! `entityType`; an action's code is told of by `exec.code`.

use indexmap::IndexMap;
use whirl_model::{DocId, Json, Revision};

use super::code::{Code, CodeError, Outgoing, Stub};
use super::failure::corrupt;
use super::storable::storable;
use crate::store::{Collection, Document, NewDocument, StoreError};

/// A JSON object whose values are kept to the letter.
pub(super) type Members = IndexMap<String, Json>;

/// Members that may hold an action's code; `jar` is that of Java actions of old.
const CODE: [&str; 2] = ["code", "jar"];

/// Why a document cannot be written or read.
#[derive(Debug, thiserror::Error)]
enum LayoutError {
    #[error("it is not a JSON object")]
    NoObject(#[source] serde_json::Error),
    #[error("it has no 'exec' and so no place for code")]
    NoExec,
    #[error("'{0}' is no sort of entity")]
    UnknownType(String),
    #[error("it has no revision")]
    NoRevision,
    #[error(transparent)]
    Code(#[from] CodeError),
}

/// The document that takes the place of the revision `expected`. Its code, if large, becomes an attachment
/// called `attachment`.
pub(super) fn encode(
    new: &NewDocument,
    expected: Option<&Revision>,
    attachment: &str,
) -> Result<Members, StoreError> {
    try_encode(new, expected, attachment).map_err(|error| corrupt(new.id.as_str(), error))
}

fn try_encode(
    new: &NewDocument,
    expected: Option<&Revision>,
    attachment: &str,
) -> Result<Members, LayoutError> {
    let mut document = Members::from([("_id".to_owned(), Json::of(new.id.as_str()))]);
    if let Some(expected) = expected {
        document.insert("_rev".to_owned(), Json::of(expected.as_str()));
    }
    document.extend(read(&storable(new.body.as_str()))?);
    document.insert("entityType".to_owned(), Json::of(type_of(new.collection)));
    let Some(code) = &new.attachment else { return Ok(document) };
    let mut exec = object(document.get("exec").ok_or(LayoutError::NoExec)?)?;
    let Outgoing { reference, upload } = Outgoing::of(code, is_binary(&exec), attachment);
    exec.insert("code".to_owned(), reference);
    document.insert("exec".to_owned(), Json::of(&exec));
    if let Some(upload) = upload {
        let uploads = IndexMap::from([(attachment, upload)]);
        document.insert("_attachments".to_owned(), Json::of(&uploads));
    }
    Ok(document)
}

/// A document that was read, and where its code is.
pub(super) struct Read {
    pub(super) document: Document,
    pub(super) code: Option<Code>,
}

/// The entity of a document.
pub(super) fn decode(id: &DocId, members: Members) -> Result<Read, StoreError> {
    try_decode(id, members).map_err(|error| corrupt(id.as_str(), error))
}

fn try_decode(id: &DocId, mut members: Members) -> Result<Read, LayoutError> {
    let revision = members.get("_rev").and_then(Json::to_text).ok_or(LayoutError::NoRevision)?;
    let collection = collection_of(&members)?;
    let code = take_code(&mut members)?;
    let document = Document {
        id: id.clone(),
        revision: revision.into(),
        collection,
        body: entity(members),
        attachment_size: code.as_ref().map(Code::size),
    };
    Ok(Read { document, code })
}

/// The members that are the entity's own.
pub(super) fn entity(mut members: Members) -> Json {
    members.retain(|key, _| !key.starts_with('_') && key != "entityType");
    Json::of(&members)
}

/// Whether a document that was read is the one that was to be written. Its revision, which the writer does not
/// know, and the attachment, whose name is in `exec.code`, do not count; nor how numbers are written.
pub(super) fn is_same(written: &Members, read: &Members) -> bool {
    let value = |members: &Members| {
        let mut members = members.clone();
        ["_rev", "_attachments"].iter().for_each(|key| {
            members.swap_remove(*key);
        });
        serde_json::to_value(members).ok()
    };
    value(written) == value(read)
}

fn object(json: &Json) -> Result<Members, LayoutError> {
    read(json.as_str())
}

fn read(text: &str) -> Result<Members, LayoutError> {
    serde_json::from_str(text).map_err(LayoutError::NoObject)
}

fn is_binary(exec: &Members) -> bool {
    exec.get("binary").is_some_and(|binary| binary.as_str() == "true")
}

/// Takes the code out of `exec`.
fn take_code(members: &mut Members) -> Result<Option<Code>, LayoutError> {
    let Some(exec) = members.get("exec") else { return Ok(None) };
    let mut exec = object(exec)?;
    let Some((key, code)) = CODE.iter().find_map(|key| Some((*key, exec.shift_remove(*key)?))) else {
        return Ok(None);
    };
    let stubs: IndexMap<String, Stub> = match members.get("_attachments") {
        Some(stubs) => serde_json::from_str(stubs.as_str()).map_err(LayoutError::NoObject)?,
        None => IndexMap::new(),
    };
    let is_base64 = is_binary(&exec) || key == "jar";
    members.insert("exec".to_owned(), Json::of(&exec));
    if code.is_null() {
        return Ok(None);
    }
    Ok(Some(Code::of(&code, is_base64, |name| stubs.get(name).copied())?))
}

fn type_of(collection: Collection) -> &'static str {
    match collection {
        Collection::Actions => "action",
        Collection::Triggers => "trigger",
        Collection::Rules => "rule",
        Collection::Packages => "package",
        Collection::Apis => "api",
    }
}

/// Actions of old do not say what they are.
fn collection_of(members: &Members) -> Result<Collection, LayoutError> {
    let Some(named) = members.get("entityType").and_then(Json::to_text) else {
        let is_action = members.contains_key("exec");
        return is_action.then_some(Collection::Actions).ok_or(LayoutError::UnknownType(String::new()));
    };
    Collection::ALL
        .into_iter()
        .find(|collection| type_of(*collection) == named)
        .ok_or(LayoutError::UnknownType(named))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use whirl_model::Timestamp;

    use super::*;

    fn new(body: &str, attachment: Option<&'static str>) -> NewDocument {
        NewDocument {
            id: DocId::from("alice/hello"),
            collection: Collection::Actions,
            parent: "alice".to_owned(),
            updated: Timestamp(1),
            body: Json::parse(body).unwrap(),
            summary: Json::empty_object(),
            attachment: attachment.map(Bytes::from),
        }
    }

    #[test]
    fn entities_stand_beside_what_couchdb_needs() {
        let body = r#"{"name":"hello","exec":{"kind":"nodejs:20","binary":false,"main":"x"},"n":1.0}"#;
        let text = "x".repeat(20_000).leak();
        let written = encode(&new(body, Some(text)), Some(&Revision::from("1-a".to_owned())), "u").unwrap();
        assert_eq!(
            written.keys().collect::<Vec<_>>(),
            ["_id", "_rev", "name", "exec", "n", "entityType", "_attachments"]
        );
        assert_eq!(written["entityType"].as_str(), r#""action""#);

        let mut stored = written.clone();
        stored.insert("_rev".to_owned(), Json::of("2-b"));
        stored
            .insert("_attachments".to_owned(), Json::parse(r#"{"u":{"stub":true,"length":20000}}"#).unwrap());
        assert!(is_same(&written, &stored));
        let Read { document, code } = decode(&DocId::from("alice/hello"), stored).unwrap();
        assert_eq!((document.revision.as_str(), document.body.as_str()), ("2-b", body));
        assert_eq!(document.attachment_size, Some(20_000));
        assert!(matches!(code, Some(Code::Attached(_))));
        let other = encode(&new(body, Some("y")), None, "u").unwrap();
        assert!(!is_same(&written, &other));
    }

    #[test]
    fn what_is_no_entity_is_corrupt() {
        let read = |text: &str| decode(&DocId::from("a/b"), serde_json::from_str(text).unwrap()).map(drop);
        assert!(read(r#"{"_rev":"1-a","exec":{"kind":"x"}}"#).is_ok(), "an action of old");
        for bad in [
            r#"{"_rev":"1-a"}"#,
            r#"{"_rev":"1-a","entityType":"activation"}"#,
            r#"{"entityType":"action"}"#,
            r#"{"_rev":"1-a","entityType":"action","exec":1}"#,
        ] {
            assert!(matches!(read(bad), Err(StoreError::Corrupt { .. })), "{bad}");
        }
        assert!(encode(&new(r#""text""#, None), None, "u").is_err());
        assert!(encode(&new("{}", Some("code")), None, "u").is_err());
    }
}
