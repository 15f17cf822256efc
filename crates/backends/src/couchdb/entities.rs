//! Entities: writes that name the revision they replace, lists from the views, code as a stream.

use std::collections::VecDeque;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use couch_rs::http::StatusCode;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde_json::json;
use uuid::Uuid;
use whirl_model::{DocId, Json, Revision};

use super::CouchdbStore;
use super::code::{Attached, Code};
use super::database::Arriving;
use super::design::{ACTIONS, APIS, PACKAGES, PUBLIC_PACKAGES, RULES, TRIGGERS, View};
use super::document::{self, Members, Read};
use super::failure::{Failure, corrupt};
use super::rows::{Documents, Range, Row, Slice};
use crate::store::{Collection, Document, EntityQuery, EntityStore, NewDocument, StoreError};

const READ: &str = "read an entity";
const READ_CODE: &str = "read an attachment";
const WRITE: &str = "write an entity";
const DELETE: &str = "delete an entity";
const LIST: &str = "list entities";

const IDS_PER_REQUEST: usize = 500;
const PIECE_BYTES: usize = 256 << 10;
/// What becomes a piece of base64; 3 divides it.
const DECODED_PIECE_BYTES: usize = PIECE_BYTES / 4 * 3;

#[async_trait]
impl EntityStore for CouchdbStore {
    async fn get(&self, id: &DocId) -> Result<Document, StoreError> {
        Ok(self.read(id).await?.document)
    }

    async fn get_all(&self, ids: &[DocId]) -> Result<Vec<Document>, StoreError> {
        let mut ids: Vec<&str> = ids.iter().map(DocId::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut documents = Vec::new();
        for ids in ids.chunks(IDS_PER_REQUEST) {
            let found: Vec<Members> =
                self.entities.get_all(ids).await.map_err(|failure| failure.during(READ))?;
            for members in found {
                let id = members.get("_id").and_then(Json::to_text).unwrap_or_default();
                documents.push(document::decode(&DocId::from(id.as_str()), members)?.document);
            }
        }
        Ok(documents)
    }

    async fn attachment(
        &self,
        id: &DocId,
        revision: &Revision,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let Read { document, code } = self.read(id).await?;
        if document.revision != *revision {
            return Err(conflict(id));
        }
        let attached = match code {
            None => return Err(not_found(id)),
            Some(Code::Inline(code)) => return Ok(pieces_of(code)),
            Some(Code::Attached(attached)) => attached,
        };
        match self.entities.attachment(id.as_str(), revision, &attached.name).await {
            Ok(arriving) => Ok(pieces(arriving, &attached)),
            // It was there a moment ago.
            Err(failure) if failure.is_missing_document() => Err(conflict(id)),
            Err(failure) => Err(failure.during(READ_CODE)),
        }
    }

    async fn put(&self, document: NewDocument, expected: Option<&Revision>) -> Result<Revision, StoreError> {
        let id = document.id.clone();
        let members = document::encode(&document, expected, &Uuid::new_v4().to_string())?;
        let text = Json::of(&members).as_str().to_owned();
        match self.entities.put(id.as_str(), text).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => Err(conflict(&id)),
            Err(failure) if failure.leaves_doubt() => {
                self.settle_write(&id, &members, expected, failure).await
            }
            outcome => outcome.map_err(|failure| failure.during(WRITE)),
        }
    }

    async fn delete(&self, id: &DocId, expected: &Revision) -> Result<(), StoreError> {
        // Read first: CouchDB may take a stale revision of a document that it does not have for a new one.
        if self.revision(id, DELETE).await?.ok_or_else(|| not_found(id))? != *expected {
            return Err(conflict(id));
        }
        match self.entities.delete(id.as_str(), expected).await {
            Err(failure) if failure.is(StatusCode::CONFLICT) => match self.revision(id, DELETE).await? {
                Some(_) => Err(conflict(id)),
                None => Err(not_found(id)),
            },
            Err(failure) if failure.leaves_doubt() => match self.revision(id, DELETE).await? {
                None => Ok(()),
                Some(now) if now == *expected => Err(failure.during(DELETE)),
                Some(_) => Err(conflict(id)),
            },
            outcome => outcome.map_err(|failure| failure.during(DELETE)),
        }
    }

    async fn list(&self, query: &EntityQuery) -> Result<Vec<Json>, StoreError> {
        // These views hold no summaries.
        let documents = match query.collection {
            Collection::Rules | Collection::Apis => Documents::Own,
            _ => Documents::No,
        };
        let slice = Slice { skip: query.skip, limit: query.limit, documents };
        let rows = self.entities.rows(view(query), &range(query), slice).await;
        rows.map_err(|failure| failure.during(LIST))?.into_iter().map(summary).collect()
    }

    async fn count(&self, query: &EntityQuery) -> Result<u64, StoreError> {
        let counted = self.entities.count(view(query), &range(query)).await;
        counted.map_err(|failure| failure.during("count entities"))
    }
}

impl CouchdbStore {
    async fn read(&self, id: &DocId) -> Result<Read, StoreError> {
        let found = self.entities.get(id.as_str()).await.map_err(|failure| failure.during(READ))?;
        document::decode(id, found.ok_or_else(|| not_found(id))?)
    }

    async fn revision(&self, id: &DocId, during: &'static str) -> Result<Option<Revision>, StoreError> {
        let found: Option<Members> =
            self.entities.get(id.as_str()).await.map_err(|failure| failure.during(during))?;
        Ok(found.and_then(|members| members.get("_rev")?.to_text()).map(Revision::from))
    }

    /// The outcome of a write whose answer was lost: what is stored now tells it.
    async fn settle_write(
        &self,
        id: &DocId,
        written: &Members,
        expected: Option<&Revision>,
        failure: Failure,
    ) -> Result<Revision, StoreError> {
        let Ok(found) = self.entities.get::<Members>(id.as_str()).await else {
            return Err(failure.during(WRITE));
        };
        let now = found.as_ref().and_then(|members| members.get("_rev")?.to_text()).map(Revision::from);
        match (found, now) {
            (_, now) if now.as_ref() == expected => Err(failure.during(WRITE)),
            (Some(found), Some(now)) if document::is_same(written, &found) => Ok(now),
            _ => Err(conflict(id)),
        }
    }
}

fn not_found(id: &DocId) -> StoreError {
    StoreError::NotFound(id.to_string())
}

fn conflict(id: &DocId) -> StoreError {
    StoreError::Conflict(id.to_string())
}

fn view(query: &EntityQuery) -> View {
    match query.collection {
        Collection::Actions => ACTIONS,
        Collection::Triggers => TRIGGERS,
        Collection::Rules => RULES,
        Collection::Packages if query.shared => PUBLIC_PACKAGES,
        Collection::Packages => PACKAGES,
        Collection::Apis => APIS,
    }
}

/// Keys are `[PARENT, updated]`; strings come after numbers.
fn range(query: &EntityQuery) -> Range {
    Range { newest: json!([query.parent, "\u{fff0}"]), oldest: json!([query.parent, 0]) }
}

/// What a list shows of a row: its value, unless it brings the document.
fn summary(row: Row) -> Result<Json, StoreError> {
    let Some(document) = row.doc else { return Ok(row.value) };
    let members = serde_json::from_str(document.as_str()).map_err(|error| corrupt(&row.id, error))?;
    Ok(document::entity(members))
}

fn pieces_of(mut code: Bytes) -> BoxStream<'static, Result<Bytes, StoreError>> {
    let mut pieces = VecDeque::new();
    while !code.is_empty() {
        pieces.push_back(Ok(code.split_to(PIECE_BYTES.min(code.len()))));
    }
    stream::iter(pieces).boxed()
}

/// The connection was broken off, or a proxy changed what was sent.
#[derive(Debug, thiserror::Error)]
#[error("the attachment has {expected} bytes but {received} came")]
struct WrongLength {
    expected: u64,
    received: u64,
}

/// An attachment that is arriving.
struct Attachment {
    arriving: Arriving,
    /// What came and was not given yet.
    waiting: BytesMut,
    received: u64,
    expected: u64,
    is_base64: bool,
}

fn pieces(arriving: Arriving, attached: &Attached) -> BoxStream<'static, Result<Bytes, StoreError>> {
    let attachment = Attachment {
        arriving,
        waiting: BytesMut::new(),
        received: 0,
        expected: attached.length,
        is_base64: attached.is_base64,
    };
    let next = |mut attachment: Attachment| async move {
        Ok(attachment.next_piece().await?.map(|piece| (piece, attachment)))
    };
    stream::try_unfold(attachment, next).boxed()
}

impl Attachment {
    async fn next_piece(&mut self) -> Result<Option<Bytes>, StoreError> {
        let largest = if self.is_base64 { DECODED_PIECE_BYTES } else { PIECE_BYTES };
        while self.waiting.len() < largest {
            let chunk = self.arriving.try_next().await.map_err(|failure| failure.during(READ_CODE))?;
            let Some(chunk) = chunk else { break };
            self.received += chunk.len() as u64;
            self.waiting.extend_from_slice(&chunk);
        }
        if self.waiting.len() < largest && self.received != self.expected {
            let source = WrongLength { expected: self.expected, received: self.received };
            return Err(StoreError::Unavailable { operation: READ_CODE, source: Box::new(source) });
        }
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let piece = self.waiting.split_to(largest.min(self.waiting.len())).freeze();
        Ok(Some(if self.is_base64 { STANDARD.encode(piece).into() } else { piece }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(length: usize, is_base64: bool) -> Attached {
        Attached { name: "one".to_owned(), length: length as u64, is_base64 }
    }

    fn arriving(stored: &Bytes, chunk: usize) -> Arriving {
        let chunks: Vec<_> = stored.chunks(chunk).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        stream::iter(chunks).boxed()
    }

    #[tokio::test]
    async fn chunks_of_any_size_become_pieces() {
        let stored: Bytes = (0..700_000u32).map(|i| (i ^ (i >> 8)) as u8).collect();
        for chunk in [1000, 65_537, 1 << 20] {
            for is_base64 in [false, true] {
                let pieces = pieces(arriving(&stored, chunk), &attached(stored.len(), is_base64));
                let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
                assert!(pieces.iter().all(|piece| (1..=PIECE_BYTES).contains(&piece.len())));
                let expected = if is_base64 { STANDARD.encode(&stored).into() } else { stored.clone() };
                assert!(pieces.concat() == expected, "{chunk} {is_base64}");
            }
        }
    }

    #[tokio::test]
    async fn an_attachment_that_breaks_off_is_an_error() {
        let stored = Bytes::from(vec![1; PIECE_BYTES + 1]);
        let pieces: Vec<_> =
            pieces(arriving(&stored, 1000), &attached(stored.len() + 1, false)).collect().await;
        assert_eq!(pieces.len(), 2);
        assert!(matches!(pieces[1], Err(StoreError::Unavailable { .. })));
    }
}
