//! The least HTTP client that the cases need; it can also send what is no HTTP at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Posts `body` and returns the status and the body of the answer.
pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> (u16, String) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: action\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = exchange(address, &[head.as_bytes(), body.as_bytes()].concat());
    let (head, body) = answer.split_once("\r\n\r\n").expect("the answer has a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("the answer has a status");
    assert!(head.to_lowercase().contains("content-length:"), "the answer states its length: {head}");
    (status, body.to_owned())
}

/// Sends bytes and returns all that comes back until the other side closes.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the proxy listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the proxy answers within a minute");
    String::from_utf8(answer).expect("answers are UTF-8")
}

/// Waits until something listens at `address`; `alive` says whether there is still hope.
pub(crate) fn wait_for_listener(address: SocketAddr, mut alive: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        assert!(alive(), "the proxy ended before it listened at {address}");
        assert!(Instant::now() < deadline, "nothing listens at {address}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
