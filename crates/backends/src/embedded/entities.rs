//! Entities and their attachments. A write replaces the row: the new `seq` is part of the new revision.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use whirl_model::{DocId, Json, Revision};

use super::failure::{Failure, corrupt};
use super::reader::Readers;
use super::{EmbeddedStore, integer, unsigned};
use crate::store::{Collection, Document, EntityQuery, EntityStore, NewDocument, StoreError};

const PIECE_BYTES: usize = 256 << 10;

#[async_trait]
impl EntityStore for EmbeddedStore {
    async fn get(&self, id: &DocId) -> Result<Document, StoreError> {
        let id = id.clone();
        self.readers.read("read an entity", move |connection| read(connection, id)).await
    }

    async fn get_all(&self, ids: &[DocId]) -> Result<Vec<Document>, StoreError> {
        let ids = ids.to_vec();
        self.readers.read("read entities", move |connection| read_all(connection, ids)).await
    }

    async fn attachment(
        &self,
        id: &DocId,
        revision: &Revision,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let (id, revision) = (id.clone(), revision.clone());
        let find = move |connection: &Connection| find_attachment(connection, &id, &revision);
        let attachment = self.readers.read(READ_ATTACHMENT, find).await?;
        Ok(stream_of(Arc::clone(&self.readers), attachment))
    }

    async fn put(&self, document: NewDocument, expected: Option<&Revision>) -> Result<Revision, StoreError> {
        let expected = expected.cloned();
        let work = move |connection: &Connection| write(connection, &document, expected.as_ref());
        self.writer.write("write an entity", work).await
    }

    async fn delete(&self, id: &DocId, expected: &Revision) -> Result<(), StoreError> {
        let (id, expected) = (id.clone(), expected.clone());
        let work = move |connection: &Connection| {
            let stored = stored(connection, &id)?.ok_or_else(|| not_found(&id))?;
            if stored.revision() != expected {
                return Err(conflict(&id).into());
            }
            remove(connection, &stored)
        };
        self.writer.write("delete an entity", work).await
    }

    async fn list(&self, query: &EntityQuery) -> Result<Vec<Json>, StoreError> {
        let query = query.clone();
        self.readers.read("list entities", move |connection| list(connection, &query)).await
    }

    async fn count(&self, query: &EntityQuery) -> Result<u64, StoreError> {
        let query = query.clone();
        self.readers.read("count entities", move |connection| count(connection, &query)).await
    }
}

fn not_found(id: &DocId) -> StoreError {
    StoreError::NotFound(id.to_string())
}

fn conflict(id: &DocId) -> StoreError {
    StoreError::Conflict(id.to_string())
}

/// What tells one state of a document from every other.
struct Stored {
    seq: i64,
    generation: i64,
    attachment_size: Option<u64>,
}

impl Stored {
    const COLUMNS: &str = "seq, generation, attachment_size";

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let attachment_size = row.get::<_, Option<i64>>("attachment_size")?.map(unsigned);
        Ok(Self { seq: row.get("seq")?, generation: row.get("generation")?, attachment_size })
    }

    /// `GENERATION-SEQ`: how often it was written since it was created, and what never comes back.
    fn revision(&self) -> Revision {
        format!("{}-{:016x}", self.generation, self.seq).into()
    }
}

fn stored(connection: &Connection, id: &DocId) -> rusqlite::Result<Option<Stored>> {
    let sql = format!("SELECT {} FROM entity WHERE id = ?1", Stored::COLUMNS);
    connection.prepare_cached(&sql)?.query_row([id.as_str()], Stored::of).optional()
}

fn read(connection: &Connection, id: DocId) -> Result<Document, Failure> {
    let sql = format!("SELECT {}, collection, body FROM entity WHERE id = ?1", Stored::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    let parts = |row: &Row<'_>| Ok((Stored::of(row)?, row.get("collection")?, row.get("body")?));
    let found: Option<(Stored, String, String)> = statement.query_row([id.as_str()], parts).optional()?;
    let (stored, collection, body) = found.ok_or_else(|| not_found(&id))?;
    let Some(collection) = collection_of(&collection) else {
        return Err(corrupt(id.as_str(), format!("'{collection}' is no sort of entity")).into());
    };
    Ok(Document {
        revision: stored.revision(),
        collection,
        body: Json::parse(&body).map_err(|e| corrupt(id.as_str(), e))?,
        attachment_size: stored.attachment_size,
        id,
    })
}

fn read_all(connection: &Connection, mut ids: Vec<DocId>) -> Result<Vec<Document>, Failure> {
    ids.sort_unstable();
    ids.dedup();
    let read_one = |id| match read(connection, id) {
        Err(Failure::Verdict(StoreError::NotFound(_))) => Ok(None),
        outcome => outcome.map(Some),
    };
    ids.into_iter().filter_map(|id| read_one(id).transpose()).collect()
}

fn collection_of(plural: &str) -> Option<Collection> {
    Collection::ALL.into_iter().find(|c| c.plural() == plural)
}

fn write(
    connection: &Connection,
    document: &NewDocument,
    expected: Option<&Revision>,
) -> Result<Revision, Failure> {
    let before = stored(connection, &document.id)?;
    if before.as_ref().map(Stored::revision).as_ref() != expected {
        return Err(conflict(&document.id).into());
    }
    let generation = before.as_ref().map_or(1, |b| b.generation + 1);
    if let Some(before) = &before {
        remove(connection, before)?;
    }
    let attachment_size = document.attachment.as_ref().map(|bytes| bytes.len() as u64);
    connection
        .prepare_cached(
            "INSERT INTO entity (id, collection, namespace, parent, updated, generation, attachment_size, summary, body)
             VALUES (:id, :collection, :namespace, :parent, :updated, :generation, :size, :summary, :body)",
        )?
        .execute(named_params! {
            ":id": document.id.as_str(),
            ":collection": document.collection.plural(),
            ":namespace": document.parent.split('/').next(),
            ":parent": document.parent,
            ":updated": integer(document.updated.0),
            ":generation": generation,
            ":size": attachment_size.map(integer),
            ":summary": document.summary.as_str(),
            ":body": document.body.as_str(),
        })?;
    let stored = Stored { seq: connection.last_insert_rowid(), generation, attachment_size };
    let mut insert =
        connection.prepare_cached("INSERT INTO attachment (entity, piece, bytes) VALUES (?1, ?2, ?3)")?;
    let pieces = document.attachment.iter().flat_map(|bytes| bytes.chunks(PIECE_BYTES));
    for (number, piece) in (0i64..).zip(pieces) {
        insert.execute((stored.seq, number, piece))?;
    }
    Ok(stored.revision())
}

fn remove(connection: &Connection, stored: &Stored) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM entity WHERE seq = ?1")?.execute([stored.seq])?;
    connection.prepare_cached("DELETE FROM attachment WHERE entity = ?1")?.execute([stored.seq])?;
    Ok(())
}

const READ_ATTACHMENT: &str = "read an attachment";

/// An attachment that is being read.
struct Attachment {
    id: DocId,
    seq: i64,
    next_piece: i64,
    bytes_left: u64,
}

fn find_attachment(connection: &Connection, id: &DocId, revision: &Revision) -> Result<Attachment, Failure> {
    let stored = stored(connection, id)?.ok_or_else(|| not_found(id))?;
    if stored.revision() != *revision {
        return Err(conflict(id).into());
    }
    let bytes_left = stored.attachment_size.ok_or_else(|| not_found(id))?;
    Ok(Attachment { id: id.clone(), seq: stored.seq, next_piece: 0, bytes_left })
}

fn stream_of(readers: Arc<Readers>, attachment: Attachment) -> BoxStream<'static, Result<Bytes, StoreError>> {
    stream::try_unfold(attachment, move |mut rest| {
        let readers = Arc::clone(&readers);
        async move {
            if rest.bytes_left == 0 {
                return Ok(None);
            }
            let (seq, piece, id) = (rest.seq, rest.next_piece, rest.id.clone());
            let find = move |connection: &Connection| read_piece(connection, seq, piece, &id);
            let bytes = readers.read(READ_ATTACHMENT, find).await?;
            rest.next_piece += 1;
            rest.bytes_left = rest.bytes_left.saturating_sub(bytes.len() as u64);
            Ok(Some((bytes, rest)))
        }
    })
    .boxed()
}

/// A piece that is missing was there when the reading began: the document has been replaced meanwhile.
fn read_piece(connection: &Connection, seq: i64, piece: i64, id: &DocId) -> Result<Bytes, Failure> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM attachment WHERE entity = ?1 AND piece = ?2")?
        .query_row((seq, piece), |row| row.get(0))
        .optional()?;
    Ok(bytes.map(Bytes::from).ok_or_else(|| conflict(id))?)
}

/// The column that `EntityQuery::parent` names.
fn place_column(query: &EntityQuery) -> &'static str {
    if query.parent.contains('/') { "parent" } else { "namespace" }
}

/// Finds the rows in the index alone, so that those skipped cost little.
pub(super) fn list_sql(query: &EntityQuery) -> String {
    format!(
        "SELECT seq FROM entity WHERE collection = ?1 AND {} = ?2{}
         ORDER BY updated DESC, seq DESC LIMIT ?3 OFFSET ?4",
        place_column(query),
        visibility(query)
    )
}

pub(super) fn count_sql(query: &EntityQuery) -> String {
    let (place, visibility) = (place_column(query), visibility(query));
    format!("SELECT count(*) FROM entity WHERE collection = ?1 AND {place} = ?2{visibility}")
}

/// The condition for `EntityQuery::shared`.
fn visibility(query: &EntityQuery) -> &'static str {
    if query.shared { " AND summary ->> 'publish' = 1 AND summary ->> 'binding' = 0" } else { "" }
}

fn list(connection: &Connection, query: &EntityQuery) -> Result<Vec<Json>, Failure> {
    // Rows are replaced: both statements have to see the same ones.
    let snapshot = connection.unchecked_transaction()?;
    let mut wanted = snapshot.prepare_cached(&list_sql(query))?;
    let mut read = snapshot.prepare_cached("SELECT summary, id FROM entity WHERE seq = ?1")?;
    let mut found = wanted.query((
        query.collection.plural(),
        &query.parent,
        integer(query.limit),
        integer(query.skip),
    ))?;
    let mut summaries = Vec::new();
    while let Some(row) = found.next()? {
        let mut entity = read.query([row.get::<_, i64>(0)?])?;
        let Some(row) = entity.next()? else { continue };
        let (summary, id) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str());
        let (summary, id) = (summary.map_err(rusqlite::Error::from)?, id.map_err(rusqlite::Error::from)?);
        summaries.push(Json::parse(summary).map_err(|e| corrupt(id, e))?);
    }
    Ok(summaries)
}

fn count(connection: &Connection, query: &EntityQuery) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached(&count_sql(query))?;
    let number = statement.query_row((query.collection.plural(), &query.parent), |row| row.get(0))?;
    Ok(unsigned(number))
}
