//! A container's two output streams, read over an attached connection from the first byte on.
//!
//! Nothing is kept on disk. The engine buffers about a megabyte for a slow reader, then the container's
//! writes block; so memory stays bounded and nothing is lost.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error as BollardError;
use futures::stream::BoxStream;
use futures::{Stream as Chunks, StreamExt as _};
use parking_lot::Mutex;

use crate::factory::{OutputChunk, Stream};

type Attached = Pin<Box<dyn Chunks<Item = Result<LogOutput, BollardError>> + Send>>;

/// The chunks of an attached container until it ends or is cut off, and what cuts it off.
pub(super) fn chunks(attached: AttachContainerResults) -> (BoxStream<'static, io::Result<OutputChunk>>, Cut) {
    let connection = Arc::new(Mutex::new(Connection { attached: Some(attached.output), reader: None }));
    let output = Output(Arc::clone(&connection));
    (output.map(|item| item.map(chunk).map_err(error)).boxed(), Cut(connection))
}

/// What reader and factory share.
struct Connection {
    attached: Option<Attached>,
    reader: Option<Waker>,
}

/// Closes a container's output though its reader may hold on to the stream and not read. The engine does not
/// finish the removal of a container before all that it wrote was taken or refused.
pub(super) struct Cut(Arc<Mutex<Connection>>);

impl Cut {
    pub(super) fn now(self) {
        let mut connection = self.0.lock();
        connection.attached = None;
        if let Some(reader) = connection.reader.take() {
            reader.wake();
        }
    }
}

struct Output(Arc<Mutex<Connection>>);

impl Chunks for Output {
    type Item = Result<LogOutput, BollardError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut connection = self.0.lock();
        let Some(attached) = &mut connection.attached else { return Poll::Ready(None) };
        let polled = attached.as_mut().poll_next(context);
        if polled.is_pending() && !connection.reader.as_ref().is_some_and(|r| r.will_wake(context.waker())) {
            connection.reader = Some(context.waker().clone());
        }
        polled
    }
}

fn chunk(output: LogOutput) -> OutputChunk {
    let stream = match output {
        LogOutput::StdErr { .. } => Stream::Stderr,
        LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => Stream::Stdout,
    };
    OutputChunk { stream, bytes: output.into_bytes() }
}

fn error(error: BollardError) -> io::Error {
    match error {
        BollardError::IOError { err } => err,
        other => io::Error::other(other),
    }
}
