//! The client against servers that behave, and against servers that do not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;

const LIMITS: RunLimits =
    RunLimits { timeout: Duration::from_secs(20), max_response_bytes: 1000, truncate_to: 10 };
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// What a server does with a request.
#[derive(Clone)]
enum Act {
    Send(String),
    SendAndClose(String),
    Close,
    /// Sends the first text, then the second again and again.
    Trickle(String, String, Duration),
}

/// A server that does one act after another, whatever the request; the last one for ever.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

impl Server {
    async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, acts)
    }

    fn on(listener: TcpListener, acts: impl IntoIterator<Item = Act>) -> Self {
        let acts: Arc<Mutex<VecDeque<Act>>> = Arc::new(Mutex::new(acts.into_iter().collect()));
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
            closed: Arc::default(),
        };
        let counts = [&server.connections, &server.requests, &server.closed].map(Arc::clone);
        tokio::spawn(async move {
            let [connections, requests, closed] = counts;
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (acts, requests, closed) = (acts.clone(), requests.clone(), closed.clone());
                tokio::spawn(async move {
                    attend(stream, &acts, &requests).await;
                    closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }
}

async fn attend(mut stream: TcpStream, acts: &Mutex<VecDeque<Act>>, requests: &AtomicUsize) {
    while read_request(&mut stream).await.is_some() {
        requests.fetch_add(1, Ordering::SeqCst);
        let act = {
            let mut acts = acts.lock();
            if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
        };
        match act.expect("an act") {
            Act::Send(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Act::SendAndClose(text) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                return;
            }
            Act::Close => return,
            Act::Trickle(first, then, pause) => {
                let mut sent = stream.write_all(first.as_bytes()).await;
                while sent.is_ok() {
                    sleep(pause).await;
                    sent = stream.write_all(then.as_bytes()).await;
                }
                return;
            }
        }
    }
}

/// Reads one request; its head, if it came.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    loop {
        if stream.read_buf(&mut text).await.ok()? == 0 {
            return None;
        }
        let seen = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = seen.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(head.to_owned());
            }
        }
    }
}

async fn run(client: &ActionClient) -> Reply {
    client.run(Bytes::from_static(b"{\"value\":{}}"), LIMITS).await.reply
}

fn body_of(reply: &Reply) -> (&[u8], Option<Truncation>) {
    match reply {
        Reply::Answered(answer) => (&answer.body, answer.truncated),
        other => panic!("no answer but {other:?}"),
    }
}

#[tokio::test]
async fn requests_look_as_runtimes_expect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = ActionClient::new(listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_request(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        head
    };
    let (head, exchange) = tokio::join!(server, client.init(Bytes::from_static(b"[]"), LIMITS.timeout));
    assert!(matches!(exchange.reply, Reply::Answered(_)));
    let expected = [
        "POST /init HTTP/1.1",
        &format!("host: {}", client.address()),
        "content-type: application/json",
        "accept: application/json",
        "content-length: 2",
    ];
    assert!(expected.iter().all(|line| head.lines().any(|l| l == *line)), "{head}");
}

#[tokio::test]
async fn a_connection_serves_many_calls_until_it_is_forgotten() {
    let server = Server::start([Act::Send(OK.to_owned())]).await;
    let client = ActionClient::new(server.address);
    assert!(client.wait_until_listening(LIMITS.timeout).await);
    for _ in 0..3 {
        assert_eq!(body_of(&run(&client).await), (&b"{}"[..], None));
    }
    assert_eq!(server.counts(), (1, 3));
    client.forget_connections();
    run(&client).await;
    assert_eq!(server.counts(), (2, 4));

    let fresh = ActionClient::without_keep_alive(server.address);
    run(&fresh).await;
    run(&fresh).await;
    assert_eq!(server.counts(), (4, 6));
}

#[tokio::test]
async fn what_is_to_be_frozen_notices_before_that_its_connections_are_closed() {
    let server = Server::start([Act::Send(OK.to_owned())]).await;
    let client = ActionClient::new(server.address);
    // A busy machine may be late once.
    for calls in 1..=50 {
        run(&client).await;
        client.close_connections().await;
        assert_eq!(server.counts(), (calls, calls));
        if server.closed.load(Ordering::SeqCst) == calls {
            return;
        }
    }
    panic!("it never noticed in time");
}

#[test]
fn a_connection_opened_ahead_waits_for_the_thaw_and_belongs_to_who_thaws() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let [background, worker] = [runtime(), runtime()];
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    frozen.set_nonblocking(true).unwrap();
    let client = ActionClient::new(frozen.local_addr().unwrap());
    background.block_on(client.connect_ahead());
    drop(background);
    worker.block_on(async {
        let server = Server::on(TcpListener::from_std(frozen).unwrap(), [Act::Send(OK.to_owned())]);
        client.thawed().await;
        for calls in 1..=2 {
            run(&client).await;
            assert_eq!(server.counts(), (1, calls));
        }
        client.forget_connections();
        client.connect_ahead().await;
        client.forget_connections();
        client.thawed().await;
        run(&client).await;
        assert_eq!(server.counts(), (3, 3), "the one that was forgotten is not used");
    });
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_and_nothing_sent_twice() {
    let acts = [Act::SendAndClose(OK.to_owned()), Act::Send(OK.to_owned())];
    let server = Server::start(acts).await;
    let client = ActionClient::new(server.address);
    run(&client).await;
    while server.closed.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(body_of(&run(&client).await).0, b"{}");
    assert_eq!(server.counts(), (2, 2));
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_lost_and_never_retried() {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
    let garbage = "SSH-2.0-OpenSSH\r\n\r\n";
    for act in [Act::Close, Act::SendAndClose(short.to_owned()), Act::SendAndClose(garbage.to_owned())] {
        let server = Server::start([Act::Send(OK.to_owned()), act]).await;
        let client = ActionClient::new(server.address);
        run(&client).await;
        let reply = run(&client).await;
        assert!(matches!(reply, Reply::ConnectionLost { .. }), "{reply:?}");
        assert_eq!(server.counts(), (1, 2));
    }
}

#[tokio::test]
async fn only_init_waits_for_a_container_that_does_not_listen_yet() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = Arc::new(ActionClient::new(socket.local_addr().unwrap()));
    assert!(matches!(run(&client).await, Reply::NeverConnected { .. }));
    let short = Duration::from_millis(30);
    let exchange = client.init(Bytes::new(), short).await;
    assert!(matches!(exchange.reply, Reply::NeverConnected { .. }) && exchange.elapsed >= short);
    assert!(!client.wait_until_listening(short).await);

    let waiting = Arc::clone(&client);
    let init = tokio::spawn(async move { waiting.init(Bytes::new(), LIMITS.timeout).await });
    tokio::task::yield_now().await;
    let _server = Server::on(socket.listen(8).unwrap(), [Act::Send(OK.to_owned())]);
    assert!(matches!(init.await.unwrap().reply, Reply::Answered(_)));
}

#[tokio::test]
async fn a_trickling_answer_ends_with_the_time() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let half_a_header = "HTTP/1.1 200 OK\r\nX-More: ".to_owned();
    for (begin, more) in [(half_a_header, "x"), (head, "1\r\nx\r\n")] {
        let server = Server::start([Act::Trickle(begin, more.to_owned(), Duration::from_millis(5))]).await;
        let client = ActionClient::new(server.address);
        let limits = RunLimits { timeout: Duration::from_millis(60), ..LIMITS };
        assert_eq!(client.run(Bytes::new(), limits).await.reply, Reply::TimedOut);
    }
}

#[tokio::test]
async fn an_endless_head_is_not_collected() {
    let header = format!("X-More: {}\r\n", "x".repeat(1000));
    let act = Act::Trickle("HTTP/1.1 200 OK\r\n".to_owned(), header, Duration::ZERO);
    let server = Server::start([act]).await;
    let reply = run(&ActionClient::new(server.address)).await;
    assert!(matches!(reply, Reply::ConnectionLost { .. }), "{reply:?}");
}

#[tokio::test]
async fn large_answers_are_cut_and_their_connection_lives_on() {
    let whole = "a".repeat(3000);
    let plain = format!("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n{whole}");
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n{whole}\r\n0\r\n\r\n");
    let server = Server::start([Act::Send(plain), Act::Send(chunked), Act::Send(OK.to_owned())]).await;
    let client = ActionClient::new(server.address);
    for _ in 0..2 {
        let truncated = Some(Truncation { actual: 3000, limit: 1000 });
        assert_eq!(body_of(&run(&client).await), (&b"aaaaaaaaaa"[..], truncated));
    }
    assert_eq!(body_of(&run(&client).await).0, b"{}");
    assert_eq!(server.counts(), (1, 3));
}

#[test]
fn runtimes_do_not_share_connections() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let [servers, one, other] = [runtime(), runtime(), runtime()];
    let server = servers.block_on(Server::start([Act::Send(OK.to_owned())]));
    let client = ActionClient::new(server.address);
    std::thread::scope(|scope| {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        scope.spawn(move || servers.block_on(stopped));
        for runtime in [&one, &other, &one, &other] {
            assert_eq!(body_of(&runtime.block_on(run(&client))).0, b"{}");
        }
        assert_eq!(server.counts(), (2, 4));
        drop(stop);
    });
    client.forget_connections();
}
