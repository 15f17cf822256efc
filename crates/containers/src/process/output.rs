//! What a process group writes to its two pipes.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream::{BoxStream, select, unfold};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::oneshot;

use crate::factory::{OutputChunk, Stream};

const PIECE: usize = 8 << 10;
/// How long after the group's end what is still in the pipes is read.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The chunks of both pipes until they are closed, or until shortly after `gone` was dropped.
pub(super) fn chunks(
    stdout: ChildStdout,
    stderr: ChildStderr,
    gone: oneshot::Receiver<()>,
) -> BoxStream<'static, io::Result<OutputChunk>> {
    let both = select(pieces(stdout, Stream::Stdout), pieces(stderr, Stream::Stderr));
    let end = async {
        let _dropped = gone.await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    both.take_until(Box::pin(end)).boxed()
}

fn pieces<R>(pipe: R, stream: Stream) -> BoxStream<'static, io::Result<OutputChunk>>
where
    R: AsyncRead + Unpin + Send + 'static,
{
    let read = move |(mut pipe, mut buffer): (R, BytesMut)| async move {
        buffer.reserve(PIECE);
        match pipe.read_buf(&mut buffer).await {
            Ok(0) => None,
            Ok(_) => {
                let bytes = buffer.split().freeze();
                Some((Ok(OutputChunk { stream, bytes }), (pipe, buffer)))
            }
            Err(error) => Some((Err(error), (pipe, buffer))),
        }
    };
    unfold((pipe, BytesMut::new()), read).boxed()
}
