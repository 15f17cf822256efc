//! Reads and writes one connection for whoever waits for something that comes over it; no task of its own does.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type HttpConnection = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// The half of a connection that reads and writes, as long as it is open.
#[derive(Debug)]
pub(super) struct Driver(Option<Pin<Box<HttpConnection>>>);

impl Driver {
    pub(super) fn of(connection: HttpConnection) -> Self {
        Self(Some(Box::pin(connection)))
    }

    /// Runs `future`, which waits for something that comes over this connection and for nothing else. It can
    /// therefore only become ready while the connection is polled, and needs no waker of its own.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let mut quiet = Context::from_waker(Waker::noop());
            if let Poll::Ready(output) = future.as_mut().poll(&mut quiet) {
                return Poll::Ready(output);
            }
            self.poll(context);
            future.as_mut().poll(&mut quiet)
        })
        .await
    }

    /// Reads and writes what is possible. A connection that has ended is dropped, which tells those who wait
    /// for something of it; its error, if any, was told to them before.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(context).is_ready()
        {
            self.0 = None;
        }
    }
}
