//! `GET /activations/ID/logs?namespace=NS&from=N` on the admin port: the log of an activation that is running here, for
//! controllers of the cluster, which show the cluster's token. Whose activation it is, is checked here too.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use whirl_model::{ActivationId, Namespace};
use whirl_service::keys::Token;

use super::shown::Shown;

/// An empty line is sent when nothing was said for so long, so that either side notices when the other is gone.
const SILENCE: Duration = Duration::from_secs(5);

/// The query.
#[derive(Deserialize)]
pub(super) struct What {
    namespace: Namespace,
    /// Lines that the controller has.
    from: usize,
}

/// A JSON object a line, `{"line":"…"}`, until the log is complete; empty lines mean nothing. 404 for an
/// activation that this invoker, or this namespace, does not have.
pub(super) async fn follow(
    request: HttpRequest,
    shown: Data<Shown>,
    token: Data<Token>,
    id: Result<web::Path<ActivationId>, actix_web::Error>,
    what: Result<web::Query<What>, actix_web::Error>,
) -> HttpResponse {
    let shows = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !shows.and_then(|text| text.strip_prefix("Bearer ")).is_some_and(|text| token.is(text)) {
        return HttpResponse::Unauthorized().json(json!({ "error": "the token is missing or wrong" }));
    }
    let (Ok(id), Ok(what)) = (id, what) else {
        return HttpResponse::BadRequest().json(json!({ "error": "it is asked for in another form" }));
    };
    let log = shown.get().and_then(|invoker| invoker.live_logs(id.into_inner(), &what.namespace, what.from));
    match log {
        Some(log) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/x-ndjson"))
            .streaming(with_signs_of_life(log.lines(), SILENCE).map(Ok::<_, Infallible>)),
        None => HttpResponse::NotFound().json(json!({ "error": "no such activation has a log here" })),
    }
}

fn with_signs_of_life(
    lines: impl Stream<Item = String> + Send + 'static,
    silence: Duration,
) -> impl Stream<Item = Bytes> {
    stream::unfold(Box::pin(lines), move |mut lines| async move {
        let line = match tokio::time::timeout(silence, lines.next()).await {
            Ok(line) => format!("{}\n", json!({ "line": line? })),
            Err(_elapsed) => "\n".to_owned(),
        };
        Some((Bytes::from(line), lines))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service};
    use whirl_service::ServerKey;
    use whirl_service::keys::LIVE_LOGS;

    use super::*;

    #[actix_web::test]
    async fn only_who_has_the_token_is_answered() {
        let key = ServerKey::from_bytes(&[1; 32]);
        let shown: Shown = Arc::new(OnceLock::new());
        let app = App::new()
            .app_data(Data::new(shown))
            .app_data(Data::new(key.token(LIVE_LOGS)))
            .route("/activations/{id}/logs", web::get().to(follow));
        let app = init_service(app).await;
        let path = "/activations/0123456789abcdef0123456789abcdef/logs?namespace=alice&from=0";
        let other = ServerKey::from_bytes(&[2; 32]).token(LIVE_LOGS).reveal();
        let shows = [
            (None, 401),
            (Some("Bearer ".to_owned()), 401),
            (Some(format!("Bearer {other}")), 401),
            (Some(key.token(LIVE_LOGS).reveal()), 401),
            (Some(format!("Bearer {}", key.token(LIVE_LOGS).reveal())), 404),
        ];
        for (shown, status) in shows {
            let request = TestRequest::get().uri(path);
            let request = match &shown {
                Some(shown) => request.insert_header((AUTHORIZATION, shown.as_str())),
                None => request,
            };
            assert_eq!(call_service(&app, request.to_request()).await.status(), status, "{shown:?}");
        }
        let malformed = TestRequest::get().uri("/activations/x/logs");
        assert_eq!(call_service(&app, malformed.to_request()).await.status(), 401);
    }

    #[tokio::test]
    async fn silence_is_broken_by_signs_of_life() {
        let (say, said) = tokio::sync::oneshot::channel();
        let lines = stream::once(async { said.await.unwrap() });
        let mut pieces = Box::pin(with_signs_of_life(lines, Duration::from_millis(1)));
        assert_eq!(pieces.next().await.unwrap(), "\n");
        assert_eq!(pieces.next().await.unwrap(), "\n");
        say.send("a".to_owned()).unwrap();
        let line = pieces.by_ref().skip_while(|piece| std::future::ready(piece == "\n")).next().await;
        assert_eq!(line.unwrap(), "{\"line\":\"a\"}\n");
        assert!(pieces.next().await.is_none());
    }
}
