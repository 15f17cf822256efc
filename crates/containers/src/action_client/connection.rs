//! One HTTP/1.1 connection, driven by whoever waits for its answer: no task of its own, no wake-up in between.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::task::{Context, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use tokio::net::TcpStream;

use super::driver::Driver;
use super::{Answer, RunLimits, body};

/// What a container may make its client hold beside the body: a head, or a piece of the body not yet taken.
const LARGEST_BUFFER: usize = 64 << 10;

/// A request to a container.
pub(super) type ActionRequest = Request<Full<Bytes>>;

/// What is the same in all requests to one container.
#[derive(Debug)]
pub(super) struct RequestHead {
    host: HeaderValue,
}

impl RequestHead {
    pub(super) fn new(address: SocketAddr) -> Self {
        let host = HeaderValue::try_from(address.to_string()).expect("an address is plain ASCII");
        Self { host }
    }

    pub(super) fn request(&self, path: &'static str, body: Bytes) -> ActionRequest {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static(path);
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        request
    }
}

/// Why there is no answer.
pub(super) enum Failure {
    /// The connection was closed before any byte was sent.
    NotSent { request: Box<ActionRequest>, reason: String },
    /// It broke later, or what came was no answer.
    Lost { reason: String },
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    /// The same socket, to look at it without going through the reactor.
    socket: OwnedFd,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::over(connect(address).await?).await
    }

    /// Over what is connected and was not used yet.
    pub(super) async fn over(stream: TcpStream) -> io::Result<Self> {
        let socket = stream.as_fd().try_clone_to_owned()?;
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(LARGEST_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self { sender, driver: Driver::of(driver), socket })
    }

    /// Sends a request and reads the answer to its end.
    pub(super) async fn exchange(
        &mut self,
        request: ActionRequest,
        limits: RunLimits,
    ) -> Result<Answer, Failure> {
        let sent = self.sender.try_send_request(request);
        let response = self.driver.drive(sent).await.map_err(|mut error| {
            let reason = describe(error.error());
            match error.take_message() {
                Some(request) => Failure::NotSent { request: Box::new(request), reason },
                None => Failure::Lost { reason },
            }
        })?;
        let status = response.status();
        let (body, truncated) = body::read(&mut self.driver, response.into_body(), limits)
            .await
            .map_err(|error| Failure::Lost { reason: describe(&error) })?;
        Ok(Answer { status, body, truncated })
    }

    /// Whether the container has neither closed the connection nor sent anything unasked. The reactor may not
    /// know yet, so the socket itself is asked.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        recv(&self.socket, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT)
            .is_err_and(|error| error == rustix::io::Errno::AGAIN)
    }

    /// Tells the container that nothing more will come.
    pub(super) fn say_goodbye(&self) {
        // Where this fails the connection is closed already.
        let _closed_already = shutdown(&self.socket, Shutdown::Write);
    }

    /// Finishes what an exchange has left to do; false if no other request can be sent afterwards.
    pub(super) fn settle(&mut self) -> bool {
        self.driver.poll(&mut Context::from_waker(Waker::noop()));
        self.sender.is_ready()
    }
}

/// Connects to a container, without saying anything.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn describe(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
