//! `GET …/activations/ID/logs/follow`: what an activation says, as it says it. Where its log is while it runs is
//! asked of `live_logs`; once it has ended, its record has it.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, StreamExt, stream};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};
use whirl_backends::store::StoreError;
use whirl_model::{ActivationId, Json, Namespace};

use super::{LOOKS_EVERY, STORING, named};
use crate::api::Api;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::followers::Place;
use crate::live_logs::{LiveLog, Wanted};
use crate::operation::{AnActivation, Refused, Throttled};
use crate::reply;

/// What the answer is: a JSON object a line.
const NDJSON: &str = "application/x-ndjson";
/// After so long without a line, the client and what lies between get a sign of life. It is also how a client that
/// has gone is noticed.
const SILENCE: Duration = Duration::from_secs(15);
/// How often a log is looked for that is nowhere yet.
const LOOKS_FOR_A_LOG: Duration = Duration::from_millis(50);
/// How long a controller of several waits for the record of what it did not accept and no invoker has: it may just
/// have ended.
const ON_ITS_WAY: Duration = Duration::from_millis(200);
/// Lines that are there go together, up to so many bytes.
const PIECE_BYTES: usize = 64 << 10;

/// `{"line":"…"}` for each line, as in the record, and at last `{"ended":true}`. While there is nothing to tell,
/// `{"waiting":true}` comes every 15 s. An answer that ends without `ended` was broken off: the activation may
/// go on, and following it again tells its lines from the first one on. A sequence has its log when it has
/// ended.
#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations/{id}/logs/follow",
    tag = "activations",
    params(AnActivation),
    responses(
        (status = 200, description = "The lines, each a JSON object", content_type = "application/x-ndjson"),
        Throttled,
        Refused,
    )
)]
pub(crate) async fn follow(call: Call) -> Result<HttpResponse, ApiError> {
    let (namespace, id) = named(&call)?;
    let place = call.api.followers.join(&namespace)?;
    let mut follow = Follow {
        api: call.api.clone(),
        namespace,
        id,
        source: Source::Unknown,
        told: 0,
        known: false,
        missed: None,
        _place: place,
    };
    follow.begin().await?;
    let pieces = stream::unfold(follow, async |mut follow| {
        let piece = follow.next().await?;
        Some((Ok::<_, Infallible>(piece), follow))
    });
    let answer = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, NDJSON))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies of the field hold an answer back unless they are told not to.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(pieces);
    Ok(reply::with_activation(answer, id))
}

/// One line of the answer.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Told<'a> {
    Line(&'a str),
    Ended(bool),
    Waiting(bool),
}

impl Told<'_> {
    fn write(&self, piece: &mut BytesMut) {
        piece.extend_from_slice(Json::of(self).as_str().as_bytes());
        piece.extend_from_slice(b"\n");
    }

    fn alone(&self) -> Bytes {
        let mut piece = BytesMut::new();
        self.write(&mut piece);
        piece.freeze()
    }
}

/// Somebody follows an activation.
struct Follow {
    api: web::Data<Api>,
    namespace: Namespace,
    id: ActivationId,
    source: Source,
    /// Lines that were told.
    told: usize,
    /// Whether there is, or was, such an activation.
    known: bool,
    /// Since when it is nowhere.
    missed: Option<Instant>,
    _place: Place,
}

/// Where the next line comes from.
enum Source {
    /// That has to be found out.
    Unknown,
    /// What runs.
    Log(LiveLog),
    /// The record.
    Record(std::vec::IntoIter<String>),
    /// Nowhere, and there is nothing more to tell.
    Over,
}

/// What a look around shows.
enum Seen {
    Log(LiveLog),
    Record(Vec<String>),
    /// It may be there at the next look, which is so far away.
    Later(Duration),
    /// There is none, or none any more.
    Nothing,
}

impl Follow {
    /// Finds out whether there is such an activation.
    async fn begin(&mut self) -> Result<(), ApiError> {
        while !self.known {
            match self.look().await? {
                Seen::Nothing => return Err(ApiError::Missing),
                seen => self.go_on_with(seen).await,
            }
        }
        Ok(())
    }

    /// The next piece of the answer. None after the end, and once the controller drains: open answers would hold
    /// it up.
    async fn next(&mut self) -> Option<Bytes> {
        let drain = self.api.drain.clone();
        tokio::select! {
            biased;
            piece = timeout(SILENCE, self.piece()) => {
                piece.unwrap_or_else(|_elapsed| Some(Told::Waiting(true).alone()))
            }
            () = drain.wait() => None,
        }
    }

    /// The lines that come next. May be dropped at any time without a line being lost.
    async fn piece(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.source {
                Source::Over => return None,
                Source::Unknown => match self.look().await {
                    Ok(Seen::Nothing) => {
                        self.source = Source::Over;
                        return Some(Told::Ended(true).alone());
                    }
                    Ok(seen) => self.go_on_with(seen).await,
                    // The record is out of reach: that it has ended cannot be told with all its lines.
                    Err(_unavailable) => self.source = Source::Over,
                },
                Source::Record(lines) => {
                    let mut piece = BytesMut::new();
                    for line in lines.by_ref() {
                        Told::Line(&line).write(&mut piece);
                        if piece.len() > PIECE_BYTES {
                            return Some(piece.freeze());
                        }
                    }
                    Told::Ended(true).write(&mut piece);
                    self.source = Source::Over;
                    return Some(piece.freeze());
                }
                Source::Log(log) => {
                    let mut next = log.next().await;
                    let mut piece = BytesMut::new();
                    while let Some(line) = &next {
                        Told::Line(line).write(&mut piece);
                        self.told += 1;
                        if piece.len() > PIECE_BYTES {
                            return Some(piece.freeze());
                        }
                        match log.next().now_or_never() {
                            Some(more) => next = more,
                            None => break,
                        }
                    }
                    if next.is_none() {
                        self.source = Source::Unknown;
                    }
                    if !piece.is_empty() {
                        return Some(piece.freeze());
                    }
                    // One that is given up as soon as it is opened must not be opened without end.
                    sleep(LOOKS_EVERY).await;
                }
            }
        }
    }

    async fn go_on_with(&mut self, seen: Seen) {
        match seen {
            Seen::Log(log) => {
                (self.known, self.missed) = (true, None);
                self.source = Source::Log(log);
            }
            Seen::Record(logs) => {
                self.known = true;
                let rest: Vec<String> = logs.into_iter().skip(self.told).collect();
                self.source = Source::Record(rest.into_iter());
            }
            Seen::Later(wait) => sleep(wait).await,
            Seen::Nothing => self.source = Source::Over,
        }
    }

    /// Looks for the activation: where it runs, then in the store, which has its record before the invoker has
    /// forgotten it for long.
    async fn look(&mut self) -> Result<Seen, ApiError> {
        let flight = self.api.acknowledgements.flight(&self.namespace, self.id);
        let at = flight.as_ref().and_then(|flight| flight.post).map(|post| post.life);
        // In a cluster what has no invoker is made of others, and this controller runs it.
        let is_at_an_invoker = flight.is_none() || at.is_some() || !self.api.has_peers;
        let mut unreachable = None;
        if is_at_an_invoker && self.missed.is_none() {
            let namespace = self.namespace.clone();
            let wanted = Wanted { activation: self.id, namespace, from: self.told, at };
            match self.api.live_logs.open(wanted).await {
                Ok(Some(log)) => return Ok(Seen::Log(log)),
                Ok(None) => {}
                Err(error) => unreachable = Some(error),
            }
        }
        if flight.is_some() {
            self.known = true;
            return Ok(Seen::Later(LOOKS_FOR_A_LOG));
        }
        match self.api.stores.activations.get(&self.namespace, self.id).await {
            Ok(record) => return Ok(Seen::Record(record.logs)),
            Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(unreachable) = unreachable.filter(|_| !self.known) {
            return Err(unreachable.into());
        }
        let missed = *self.missed.get_or_insert_with(Instant::now);
        let is_late = missed.elapsed() >= self.patience();
        Ok(if is_late { Seen::Nothing } else { Seen::Later(LOOKS_EVERY) })
    }

    /// How long the record of what is not running, and not in the store, is waited for.
    fn patience(&self) -> Duration {
        if self.known || self.api.acknowledgements.ended(&self.namespace, self.id).is_some() {
            STORING
        } else if self.api.has_peers {
            ON_ITS_WAY
        } else {
            Duration::ZERO
        }
    }
}
