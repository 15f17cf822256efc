//! The HTTP side: listens, reads bodies within their bound, and routes to `proxy`. One thread does it all.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::answer::Answer;
use crate::launcher::{self, Launcher};
use crate::outbox::Outbox;
use crate::proxy::Proxy;
use crate::streams::EndMark;
use crate::{Error, Settings};

/// The largest body taken, in bytes: room for 48 MB of code.
const LARGEST_BODY: usize = 64 << 20;

/// Starts the launcher and serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`Error`] when something needed at the start is not there.
pub fn serve(settings: &Settings) -> Result<(), Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::EventLoop)?;
    let outcome = runtime.block_on(serve_until_told(settings));
    runtime.shutdown_background();
    outcome
}

async fn serve_until_told(settings: &Settings) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::EventLoop)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::EventLoop)?;
    let ended_children = signal(SignalKind::child()).map_err(Error::EventLoop)?;
    let listener = listen(settings.listen).await?;
    let directory =
        tempfile::Builder::new().prefix("whirl-action-").tempdir().map_err(Error::WorkDirectory)?;
    let end_mark = EndMark::new(settings.mark_word.as_deref());
    if settings.mark_word.is_some() {
        // Before the action can say anything. From here on nothing but such a mark is one.
        end_mark.write(1);
    }
    let Launcher { process, requests, answers } = Launcher::start(&settings.launcher, directory.path())?;
    let directory_path = directory.path().to_owned();
    let proxy = Arc::new(Proxy::new(process, Outbox::new(requests), directory_path, end_mark));
    let attending = Arc::clone(&proxy);
    tokio::spawn(async move { attending.attend(answers, ended_children).await });
    let writing = Arc::clone(&proxy);
    tokio::spawn(async move { writing.write_backlog().await });
    tokio::select! {
        () = accept(listener, Arc::clone(&proxy)) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    launcher::kill(process);
    proxy.mark_ends();
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

async fn accept(listener: TcpListener, proxy: Arc<Proxy>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_connection(stream, Arc::clone(&proxy)));
            }
            // Out of descriptors, or a caller that has gone again: try later rather than spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, proxy: Arc<Proxy>) {
    let _without_it_only_slower = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let proxy = Arc::clone(&proxy);
        async move { Ok::<_, Infallible>(respond(answer(request, &proxy).await)) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service);
    // A caller that breaks HTTP or leaves concerns nobody else.
    let _broken_connection = connection.await;
}

async fn answer(request: Request<Incoming>, proxy: &Arc<Proxy>) -> Answer {
    let is_init = match (request.method(), request.uri().path()) {
        (&Method::POST, "/init") => true,
        (&Method::POST, "/run") => false,
        (_, "/init" | "/run") => return Answer::error(405, "Only POST is answered here."),
        _ => return Answer::error(404, "Only /init and /run are answered here."),
    };
    if request.body().size_hint().lower() > LARGEST_BODY as u64 {
        return too_large();
    }
    let body = match Limited::new(request.into_body(), LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return too_large();
        }
        Err(error) => return Answer::error(400, &format!("Bad request: {error}.")),
    };
    if is_init { proxy.init(body).await } else { proxy.run(&body).await }
}

fn too_large() -> Answer {
    Answer::error(413, &format!("The body is larger than {LARGEST_BODY} bytes."))
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
