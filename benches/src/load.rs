//! A closed loop over many connections on one thread: each sends its next request as soon as it has its answer.
//! One thread that polls takes less of the machine from those who are measured than many that block.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::Error;
use crate::http::{Connection, Request, parse};
use crate::latencies::Latencies;
use crate::stop::Stop;

/// How long the last answers are waited for.
const LONGEST_END: Duration = Duration::from_secs(15);
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// What a load did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) latencies: Latencies,
    /// Calls that succeeded, per second.
    pub(crate) rate: f64,
}

/// One connection with at most one request on its way.
struct Line {
    stream: TcpStream,
    /// Sent in turns.
    requests: Vec<Request>,
    next: usize,
    buffer: Vec<u8>,
    sent: Option<Instant>,
}

/// Connections that a load goes over.
pub(crate) struct Load {
    lines: Vec<Line>,
}

impl Load {
    /// Takes the connections, each with what is sent on it.
    pub(crate) fn new(connections: impl IntoIterator<Item = (Connection, Request)>) -> Result<Self, Error> {
        Self::of_many(connections.into_iter().map(|(connection, request)| (connection, vec![request])))
    }

    /// Takes the connections, each with what is sent on it in turns, one request at least.
    pub(crate) fn of_many(
        connections: impl IntoIterator<Item = (Connection, Vec<Request>)>,
    ) -> Result<Self, Error> {
        let line = |(connection, requests): (Connection, Vec<Request>)| {
            let stream = connection.into_stream();
            stream.set_nonblocking(true).map_err(Error::io("set a socket up"))?;
            Ok(Line { stream, requests, next: 0, buffer: Vec::with_capacity(4096), sent: None })
        };
        Ok(Self { lines: connections.into_iter().map(line).collect::<Result<_, Error>>()? })
    }

    /// Keeps every connection busy for `time`. A connection that breaks is not replaced.
    pub(crate) fn run(&mut self, time: Duration, stop: &Stop) -> Result<Outcome, Error> {
        let mut latencies = Latencies::default();
        let began = Instant::now();
        let end = began + time;
        self.lines.iter_mut().for_each(|line| line.send(&mut latencies));
        while self.lines.iter().any(|line| line.sent.is_some()) {
            stop.check()?;
            if Instant::now() > end + LONGEST_END {
                latencies.errors += self.lines.iter().filter(|line| line.sent.is_some()).count() as u64;
                break;
            }
            for index in self.ready()? {
                self.lines[index].receive(&mut latencies, end);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "no load is that long")]
        let rate = latencies.count() as f64 / began.elapsed().as_secs_f64();
        Ok(Outcome { latencies, rate })
    }

    /// The connections on which something came.
    fn ready(&self) -> Result<Vec<usize>, Error> {
        let waiting: Vec<_> = (0..self.lines.len()).filter(|&i| self.lines[i].sent.is_some()).collect();
        let mut polled: Vec<_> =
            waiting.iter().map(|&i| PollFd::new(&self.lines[i].stream, PollFlags::IN)).collect();
        match poll(&mut polled, Some(&GLANCE)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::io("wait for answers")(error.into())),
        }
        let ready = waiting.iter().zip(&polled).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(&index, _)| index).collect())
    }
}

impl Line {
    fn send(&mut self, latencies: &mut Latencies) {
        self.buffer.clear();
        // A request is far smaller than an empty socket's buffer.
        let request = &self.requests[self.next];
        self.next = (self.next + 1) % self.requests.len();
        match self.stream.write_all(request.bytes()) {
            Ok(()) => self.sent = Some(Instant::now()),
            Err(_) => self.fail(latencies),
        }
    }

    fn receive(&mut self, latencies: &mut Latencies, end: Instant) {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => return self.fail(latencies),
            Ok(read) => self.buffer.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => return self.fail(latencies),
        }
        match (parse(&self.buffer), self.sent) {
            (Ok(None), _) => return,
            (Ok(Some(answer)), Some(sent)) if answer.status == 200 => latencies.record(sent.elapsed()),
            (Ok(Some(_)), _) => latencies.errors += 1,
            (Err(_), _) => return self.fail(latencies),
        }
        self.sent = None;
        if Instant::now() < end {
            self.send(latencies);
        }
    }

    fn fail(&mut self, latencies: &mut Latencies) {
        latencies.errors += 1;
        self.sent = None;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_peer_that_breaks_off_is_counted_as_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            for _ in 0..3 {
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
            }
            let _ = stream.read(&mut request).unwrap();
        });
        let connection = Connection::open(address).unwrap();
        let mut load = Load::new([(connection, Request::get(address, "/"))]).unwrap();
        let outcome = load.run(Duration::from_secs(10), &Stop::default()).unwrap();
        peer.join().unwrap();
        assert_eq!((outcome.latencies.count(), outcome.latencies.errors), (3, 1));
    }
}
